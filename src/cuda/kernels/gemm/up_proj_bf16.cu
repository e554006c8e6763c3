// Instances of the up-projection.
#include "cuda/kernels/gemm/up_proj.cuh"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

constexpr GemmTile kTile128x256{
    .block_m = 128, .block_n = 256, .block_k = 64, .num_stages = 4, .cluster_m = 1};
constexpr GemmTile kTile128x256Pair{
    .block_m = 128, .block_n = 256, .block_k = 64, .num_stages = 4, .cluster_m = 2};
constexpr GemmTile kTile128x128PingPong{.block_m = 128,
                                        .block_n = 128,
                                        .block_k = 64,
                                        .num_stages = 5,
                                        .cluster_m = 2,
                                        .schedule = Schedule::ping_pong};

template <GemmTile kTile, class Form>
void start(const UpProjProblem& p, int num_multiprocessors, cudaStream_t stream) {
  using Product = UpProj<kTile, Form>;
  constexpr int kParts = Product::kParts;
  typename Product::Args args = {};
  args.dims = {p.expert_offsets, p.num_experts, 0, kParts * p.n, p.d, zeroed(p.turns, stream)};
  args.x = {static_cast<const __nv_bfloat16*>(p.x), p.row_tokens, p.d};
  args.w_up = map_part_batch(p.w_up, p.num_experts, kParts, p.n, p.d, 64, p.layout);
  args.stores_h = p.h != nullptr;
  if (args.stores_h) args.h = map_part_ragged_rows(p.h, kParts, p.n, kImageRows);
  args.a = map_ragged_rows(p.a, p.n, kImageRows);
  args.ffn_dim = p.n;
  args.activation = p.activation;
  args.layout = p.layout;
  args.b_up = static_cast<const __nv_bfloat16*>(p.b_up);
  launch<ExpertGemm<Product>>(args, dim3(num_multiprocessors / kTile.cluster_m * kTile.cluster_m),
                              stream);
}

}  // namespace

void up_proj(const UpProjProblem& problem, UpProjTile tile, int num_multiprocessors,
             cudaStream_t stream) {
  if (!is_gated(problem.activation))
    return start<kTile128x256Pair, Ungated>(problem, num_multiprocessors, stream);
  if (problem.activation != Activation::swiglu)
    return start<kTile128x256Pair, Gated>(problem, num_multiprocessors, stream);
  if (tile == UpProjTile::n128)
    return start<kTile128x256, SwigluOnly>(problem, num_multiprocessors, stream);
  if (tile == UpProjTile::n64_ping_pong)
    return start<kTile128x128PingPong, SwigluOnly>(problem, num_multiprocessors, stream);
  return start<kTile128x256Pair, SwigluOnly>(problem, num_multiprocessors, stream);
}

}  // namespace moe::cuda
