// The two launches of build_rows().
#include "cuda/kernels/permute/build_rows.cuh"

#include <algorithm>

#include "cuda/runtime/launch.cuh"

namespace moe::cuda {

void build_rows(const BuildRowsProblem& problem, cudaStream_t stream) {
  const std::int64_t chunks = num_chunks(problem.tokens);
  auto* masks = reinterpret_cast<std::uint32_t*>(problem.scratch);
  auto* first_rows = reinterpret_cast<std::int32_t*>(masks + chunks * problem.num_experts);
  std::int32_t* totals = first_rows + chunks * problem.num_experts;
  const int columns = (problem.num_experts + ScanChunks::kColumns - 1) / ScanChunks::kColumns;
  launch<ScanChunks>({masks, first_rows, totals, chunks, problem.num_experts}, dim3(columns),
                     stream);
  // Without tokens one block writes the offsets.
  launch<PlaceRows>({problem, masks, first_rows, totals},
                    dim3(static_cast<unsigned>(std::max<std::int64_t>(chunks, 1))), stream);
}

}  // namespace moe::cuda
