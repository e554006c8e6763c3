// The two launches of build_rows().
#include "cuda/kernels/permute/build_rows.cuh"

#include <algorithm>

#include "cuda/runtime/launch.cuh"

namespace moe::cuda {

void build_rows(const BuildRowsProblem& problem, cudaStream_t stream) {
  const std::int64_t chunks = num_chunks(problem.tokens), cells = chunks * problem.num_experts;
  auto* masks = reinterpret_cast<std::uint32_t*>(problem.scratch);
  auto* chunk_cells = reinterpret_cast<ChunkCell*>(masks + cells + cells % 2);
  auto* totals = reinterpret_cast<std::int32_t*>(chunk_cells + cells);
  const int columns = (problem.num_experts + ScanChunks::kColumns - 1) / ScanChunks::kColumns;
  launch<ScanChunks>({masks, chunk_cells, totals, chunks, problem.num_experts}, dim3(columns),
                     stream);
  // Without tokens one block writes the offsets.
  const auto blocks = static_cast<unsigned>(std::max<std::int64_t>(chunks, 1));
  launch<PlaceRows>({problem, chunk_cells, totals}, dim3(blocks), stream);
}

}  // namespace moe::cuda
