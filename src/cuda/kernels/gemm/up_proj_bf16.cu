// bfloat16 instances of the up-projection.
#include "cuda/kernels/gemm/instances.h"
#include "cuda/kernels/gemm/up_proj_launch.cuh"

namespace moe::cuda {
namespace {

using Element = __nv_bfloat16;

constexpr GemmTile kTile128x128PingPong{.block_m = 128,
                                        .block_n = 128,
                                        .block_k = 64,
                                        .num_stages = 5,
                                        .cluster_m = 2,
                                        .schedule = Schedule::ping_pong};

}  // namespace

void up_proj_bf16(const UpProjProblem& problem, UpProjTile tile, int num_multiprocessors,
                  cudaStream_t stream) {
  if (!is_gated(problem.activation))
    return start_up_proj<Element, kTile128x256Pair, Ungated>(problem, num_multiprocessors, stream);
  if (problem.activation != Activation::swiglu)
    return start_up_proj<Element, kTile128x256Pair, Gated>(problem, num_multiprocessors, stream);
  if (tile == UpProjTile::n128)
    return start_up_proj<Element, kTile128x256, SwigluOnly>(problem, num_multiprocessors, stream);
  if (tile == UpProjTile::n64_ping_pong)
    return start_up_proj<Element, kTile128x128PingPong, SwigluOnly>(problem, num_multiprocessors,
                                                                    stream);
  return start_up_proj<Element, kTile128x256Pair, SwigluOnly>(problem, num_multiprocessors, stream);
}

}  // namespace moe::cuda
