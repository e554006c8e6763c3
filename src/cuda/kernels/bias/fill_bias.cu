// One thread per element; bound by writing `out`.
#include "cuda/kernels/bias/fill_bias.h"

#include <cuda_bf16.h>

#include <string>

#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

template <class Element>
struct FillBias {
  struct Args {
    const __nv_bfloat16* bias;
    Element* out;
    std::int64_t count, columns;
    bool adds;
  };
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = 1, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
    if (at >= args.count) return;
    const float bias = __bfloat162float(args.bias[at % args.columns]);
    args.out[at] = static_cast<Element>(args.adds ? static_cast<float>(args.out[at]) + bias : bias);
  }
};

template <class Element>
void start(const FillBiasProblem& p, cudaStream_t stream) {
  using Kernel = FillBias<Element>;
  const std::int64_t count = p.rows * p.columns;
  const std::int64_t blocks = (count + Kernel::kThreads - 1) / Kernel::kThreads;
  if (blocks == 0) return;
  launch<Kernel>({static_cast<const __nv_bfloat16*>(p.bias), static_cast<Element*>(p.out), count,
                  p.columns, p.adds},
                 dim3(static_cast<unsigned>(blocks)), stream);
}

}  // namespace

void fill_bias(const FillBiasProblem& problem, cudaStream_t stream) {
  if (problem.dtype == DType::bf16) return start<__nv_bfloat16>(problem, stream);
  if (problem.dtype == DType::f32) return start<float>(problem, stream);
  throw Error(ErrorKind::internal, "fill_bias: no " + std::string(name_of(problem.dtype)));
}

}  // namespace moe::cuda
