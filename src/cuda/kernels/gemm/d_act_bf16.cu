// Instances of the activation gradient.
#include "cuda/kernels/gemm/d_act.cuh"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

constexpr GemmTile kTile128x256Pair{
    .block_m = 128, .block_n = 256, .block_k = 64, .num_stages = 4, .cluster_m = 2};
constexpr GemmTile kTile128x256{
    .block_m = 128, .block_n = 256, .block_k = 64, .num_stages = 4, .cluster_m = 1};

template <GemmTile kTile>
void start(const DActProblem& p, int num_multiprocessors, cudaStream_t stream) {
  static_assert(kTile.block_n == kDScoreColumns, "the plan sizes d_score_parts by this");
  using Product = DActSwiglu<kTile>;
  typename Product::Args args = {};
  args.dims = {p.expert_offsets, p.num_experts, 0, p.n, p.d, zeroed(p.turns, stream)};
  args.d_out = {static_cast<const __nv_bfloat16*>(p.d_out), p.row_tokens, p.d};
  args.w_down = map_batch(p.w_down, p.num_experts, p.d, p.n, 64);
  args.h = map_gated_ragged_rows(p.h, p.n, kTile.block_m);
  args.d_h = map_gated_ragged_rows(p.d_h, p.n, kImageRows);
  args.a_scaled = map_ragged_rows(p.a_scaled, p.n, kImageRows);
  args.row_scores = p.row_scores;
  args.d_score_parts = p.d_score_parts;
  args.rows = p.rows;
  launch<ExpertGemm<Product>>(args, dim3(num_multiprocessors / kTile.cluster_m * kTile.cluster_m),
                              stream);
}

}  // namespace

void d_act_swiglu(const DActProblem& problem, DActTile tile, int num_multiprocessors,
                  cudaStream_t stream) {
  if (tile == DActTile::n256) return start<kTile128x256>(problem, num_multiprocessors, stream);
  return start<kTile128x256Pair>(problem, num_multiprocessors, stream);
}

}  // namespace moe::cuda
