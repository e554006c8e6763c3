// Instances of the activation gradient.
#include "cuda/kernels/gemm/d_act.cuh"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

constexpr GemmTile kTile128x256Pair{
    .block_m = 128, .block_n = 256, .block_k = 64, .num_stages = 4, .cluster_m = 2};
constexpr GemmTile kTile128x256{
    .block_m = 128, .block_n = 256, .block_k = 64, .num_stages = 4, .cluster_m = 1};

template <GemmTile kTile, class Form>
void start(const DActProblem& p, int num_multiprocessors, cudaStream_t stream) {
  static_assert(kTile.block_n == kDScoreColumns, "the plan sizes d_score_parts by this");
  using Product = DAct<kTile, Form>;
  typename Product::Args args = {};
  args.dims = {p.expert_offsets, p.num_experts, 0, p.n, p.d, zeroed(p.turns, stream)};
  args.d_out = {static_cast<const __nv_bfloat16*>(p.d_out), p.row_tokens, p.d};
  args.w_down = map_batch(p.w_down, p.num_experts, p.d, p.n, 64);
  args.h = map_part_ragged_rows(p.h, Product::kParts, p.n, kTile.block_m);
  args.d_h = map_part_ragged_rows(p.d_h, Product::kParts, p.n, kImageRows);
  args.a_scaled = map_ragged_rows(p.a_scaled, p.n, kImageRows);
  args.row_scores = p.row_scores;
  args.d_score_parts = p.d_score_parts;
  args.rows = p.rows;
  args.activation = p.activation;
  launch<ExpertGemm<Product>>(args, dim3(num_multiprocessors / kTile.cluster_m * kTile.cluster_m),
                              stream);
}

}  // namespace

void d_act(const DActProblem& problem, DActTile tile, int num_multiprocessors,
           cudaStream_t stream) {
  if (!is_gated(problem.activation))
    return start<kTile128x256Pair, Ungated>(problem, num_multiprocessors, stream);
  if (problem.activation != Activation::swiglu)
    return start<kTile128x256Pair, Gated>(problem, num_multiprocessors, stream);
  if (tile == DActTile::n256)
    return start<kTile128x256, SwigluOnly>(problem, num_multiprocessors, stream);
  return start<kTile128x256Pair, SwigluOnly>(problem, num_multiprocessors, stream);
}

}  // namespace moe::cuda
