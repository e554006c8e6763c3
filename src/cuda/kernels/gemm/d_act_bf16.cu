// bfloat16 instances of the activation gradient.
#include "cuda/kernels/gemm/d_act_launch.cuh"
#include "cuda/kernels/gemm/instances.h"

namespace moe::cuda {
namespace {

using Element = __nv_bfloat16;

}  // namespace

void d_act_bf16(const DActProblem& problem, DActTile tile, int num_multiprocessors,
                cudaStream_t stream) {
  if (!is_gated(problem.activation))
    return start_d_act<Element, kTile128x256Pair, Ungated>(problem, num_multiprocessors, stream);
  if (problem.activation != Activation::swiglu)
    return start_d_act<Element, kTile128x256Pair, Gated>(problem, num_multiprocessors, stream);
  if (tile == DActTile::n256)
    return start_d_act<Element, kTile128x256, SwigluOnly>(problem, num_multiprocessors, stream);
  return start_d_act<Element, kTile128x256Pair, SwigluOnly>(problem, num_multiprocessors, stream);
}

}  // namespace moe::cuda
