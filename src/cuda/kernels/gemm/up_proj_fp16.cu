// float16 instances of the up-projection.
#include "cuda/kernels/gemm/instances.h"
#include "cuda/kernels/gemm/up_proj_launch.cuh"

namespace moe::cuda {
namespace {

using Element = __half;

}  // namespace

void up_proj_fp16(const UpProjProblem& problem, int num_multiprocessors, cudaStream_t stream) {
  if (is_gated(problem.activation))
    return start_up_proj<Element, kTile128x256Pair, AnyGated>(problem, num_multiprocessors, stream);
  start_up_proj<Element, kTile128x256Pair, Ungated>(problem, num_multiprocessors, stream);
}

}  // namespace moe::cuda
