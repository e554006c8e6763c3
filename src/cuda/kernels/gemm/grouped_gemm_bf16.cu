// Instances of the grouped GEMM.
#include "cuda/kernels/gemm/grouped_gemm.cuh"
#include "cuda/kernels/gemm/grouped_gemm_instances.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

template <Ragged kRagged, WeightLayout kLayout, GemmTile kTile>
GroupedGemmArgs make_args(const GroupedGemmProblem& p) {
  GroupedGemmArgs args = {};
  args.expert_offsets = p.expert_offsets;
  args.num_experts = p.num_experts;
  args.m = p.m;
  args.n = p.n;
  args.k = p.k;
  if (kRagged == Ragged::rows) {
    args.a = map_rows(p.a, p.rows, p.k, kTile.block_m);
    args.b = kLayout == WeightLayout::n_by_k ? map_batch(p.b, p.num_experts, p.n, p.k, 64)
                                             : map_batch(p.b, p.num_experts, p.k, p.n, 64);
    args.c = map_ragged_rows(p.c, p.n, kStoreRows);
  } else {
    args.a = map_ragged_rows(p.a, p.m, kTile.block_k);
    args.b = map_ragged_rows(p.b, p.n, kTile.block_k);
    args.c = map_batch(p.c, p.num_experts, p.m, p.n, kStoreRows);
  }
  return args;
}

}  // namespace

template <Ragged kRagged, WeightLayout kLayout, GemmTile kTile>
void launch_grouped_gemm(const GroupedGemmProblem& problem, int num_multiprocessors, cudaStream_t stream) {
  using Kernel = GroupedGemm<kRagged, kLayout, kTile>;
  const int grid = num_multiprocessors / kTile.cluster_m * kTile.cluster_m;
  launch<Kernel>(make_args<kRagged, kLayout, kTile>(problem), dim3(grid), stream);
}

#define MOE_INSTANCE(tile)                                                                                     \
  template void launch_grouped_gemm<Ragged::rows, WeightLayout::n_by_k, tile>(const GroupedGemmProblem&, int,  \
                                                                              cudaStream_t);                   \
  template void launch_grouped_gemm<Ragged::rows, WeightLayout::k_by_n, tile>(const GroupedGemmProblem&, int,  \
                                                                              cudaStream_t);                   \
  template void launch_grouped_gemm<Ragged::reduction, WeightLayout::n_by_k, tile>(const GroupedGemmProblem&,  \
                                                                                   int, cudaStream_t);

MOE_INSTANCE(kTile128x256)
MOE_INSTANCE(kTile128x256Alone)
MOE_INSTANCE(kTile128x192)
MOE_INSTANCE(kTile128x128)

}  // namespace moe::cuda
