// float16 instances of the activation gradient.
#include "cuda/kernels/gemm/d_act_launch.cuh"
#include "cuda/kernels/gemm/instances.h"

namespace moe::cuda {
namespace {

using Element = __half;

}  // namespace

void d_act_fp16(const DActProblem& problem, int num_multiprocessors, cudaStream_t stream) {
  if (is_gated(problem.activation))
    return start_d_act<Element, kTile128x256Pair, AnyGated>(problem, num_multiprocessors, stream);
  start_d_act<Element, kTile128x256Pair, Ungated>(problem, num_multiprocessors, stream);
}

}  // namespace moe::cuda
