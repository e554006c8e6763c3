// The two launches of build_rows().
#include "cuda/kernels/permute/build_rows.cuh"

#include <algorithm>

#include "cuda/runtime/launch.cuh"

namespace moe::cuda {

void build_rows(const BuildRowsProblem& problem, cudaStream_t stream) {
  const std::int64_t chunks = num_chunks(problem.tokens), cells = chunks * problem.num_experts;
  auto* words = reinterpret_cast<std::uint32_t*>(problem.scratch);
  std::uint32_t* masks = words;
  std::uint32_t* first_rows = words + cells;
  auto* totals = reinterpret_cast<std::int32_t*>(words + 2 * cells);
  const int columns = (problem.num_experts + ScanChunks::kColumns - 1) / ScanChunks::kColumns;
  launch<ScanChunks>({masks, first_rows, totals, chunks, problem.num_experts}, dim3(columns),
                     stream);
  // Without tokens one block writes the offsets.
  const auto blocks = static_cast<unsigned>(std::max<std::int64_t>(chunks, 1));
  launch<PlaceRows>({problem, masks, first_rows, totals}, dim3(blocks), stream);
}

}  // namespace moe::cuda
