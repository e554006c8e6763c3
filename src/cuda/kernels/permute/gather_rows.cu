// The launch of gather_rows().
#include "cuda/kernels/permute/gather_rows.cuh"

#include "cuda/runtime/launch.cuh"

namespace moe::cuda {

void gather_rows(const GatherRowsProblem& problem, cudaStream_t stream) {
  if (problem.tokens == 0) return;
  const int vectors = problem.hidden_dim / 8;
  const int segments = (vectors + GatherRows::kSegmentVectors - 1) / GatherRows::kSegmentVectors;
  const std::int64_t items = problem.tokens * segments;
  const std::int64_t blocks = (items + GatherRows::kWarps - 1) / GatherRows::kWarps;
  launch<GatherRows>({static_cast<const uint4*>(problem.source), static_cast<uint4*>(problem.rows),
                      problem.token_offsets, problem.token_rows, problem.tokens, vectors, segments},
                     dim3(static_cast<unsigned>(blocks)), stream);
}

}  // namespace moe::cuda
