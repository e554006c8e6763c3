// A stable counting sort of pairs by expert in two launches, from the router's chunk masks.
#include "cuda/kernels/permute/build_rows.h"

#include <algorithm>

#include "cuda/kernels/permute/place_rows.cuh"
#include "cuda/kernels/permute/scan_chunks.cuh"
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
  const int block_chunks = PlaceRows::block_chunks_for(chunks, problem.top_k);
  // Without tokens one block writes the offsets.
  const std::int64_t blocks = std::max<std::int64_t>((chunks + block_chunks - 1) / block_chunks, 1);
  launch<PlaceRows>({problem, chunk_cells, totals, block_chunks},
                    dim3(static_cast<unsigned>(blocks)), stream);
}

}  // namespace moe::cuda
