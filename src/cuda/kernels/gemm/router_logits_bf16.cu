// Instances of the router's product.
#include "cuda/kernels/gemm/router_logits.cuh"

#include <string>

#include "cuda/kernels/gemm/router_logits.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

constexpr GemmTile kTile128x64{
    .block_m = 128, .block_n = 64, .block_k = 64, .num_stages = 8, .cluster_m = 1};
constexpr GemmTile kTile128x128Pair{
    .block_m = 128, .block_n = 128, .block_k = 64, .num_stages = 7, .cluster_m = 2};
constexpr GemmTile kTile128x256Pair{
    .block_m = 128, .block_n = 256, .block_k = 64, .num_stages = 4, .cluster_m = 2};

template <GemmTile kTile>
void start(const RouterLogitsProblem& p, int num_multiprocessors, cudaStream_t stream) {
  using Product = RouterLogits<kTile>;
  typename Product::Args args = {};
  args.dims = {nullptr, 1, static_cast<int>(p.tokens), p.num_experts, p.d};
  args.x = map_rows(p.x, p.tokens, p.d, kTile.block_m);
  args.w_router = map_batch(p.w_router, 1, p.num_experts, p.d, 64);
  args.b_router = static_cast<const __nv_bfloat16*>(p.b_router);
  args.logits = p.logits;
  launch<ExpertGemm<Product>>(args, dim3(num_multiprocessors / kTile.cluster_m * kTile.cluster_m),
                              stream);
}

}  // namespace

void router_logits(const RouterLogitsProblem& problem, int num_multiprocessors,
                   cudaStream_t stream) {
  if (problem.d % 8 != 0) {
    throw Error(ErrorKind::internal, "router_logits: it cannot take this shape",
                "d " + std::to_string(problem.d), "d must be a multiple of 8");
  }
  if (problem.num_experts <= 64) return start<kTile128x64>(problem, num_multiprocessors, stream);
  if (problem.num_experts <= 128)
    return start<kTile128x128Pair>(problem, num_multiprocessors, stream);
  start<kTile128x256Pair>(problem, num_multiprocessors, stream);
}

}  // namespace moe::cuda
