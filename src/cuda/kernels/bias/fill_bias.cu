// One thread per element; bound by writing `out`.
#include "cuda/kernels/bias/fill_bias.h"

#include "cuda/runtime/element.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

template <class Bias, class Element>
struct FillBias {
  struct Args {
    const Bias* bias;
    Element* out;
    std::int64_t count, columns;
    bool adds;
  };
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = 1, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
    if (at >= args.count) return;
    const float bias = static_cast<float>(args.bias[at % args.columns]);
    args.out[at] = static_cast<Element>(args.adds ? static_cast<float>(args.out[at]) + bias : bias);
  }
};

template <class Bias, class Element>
void start(const FillBiasProblem& p, cudaStream_t stream) {
  using Kernel = FillBias<Bias, Element>;
  const std::int64_t count = p.rows * p.columns;
  const std::int64_t blocks = (count + Kernel::kThreads - 1) / Kernel::kThreads;
  if (blocks == 0) return;
  launch<Kernel>(
      {static_cast<const Bias*>(p.bias), static_cast<Element*>(p.out), count, p.columns, p.adds},
      dim3(static_cast<unsigned>(blocks)), stream);
}

}  // namespace

void fill_bias(const FillBiasProblem& problem, cudaStream_t stream) {
  with_narrow_element("fill_bias", problem.bias_dtype, [&]<class Bias>() {
    if (problem.dtype == DType::f32) return start<Bias, float>(problem, stream);
    start<Bias, Bias>(problem, stream);
  });
}

}  // namespace moe::cuda
