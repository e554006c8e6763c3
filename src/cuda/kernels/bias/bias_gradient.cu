// Instances of the bias's gradient.
#include "cuda/kernels/bias/bias_gradient.cuh"

#include "cuda/kernels/bias/bias_gradient.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

template <int kWidth>
void start(const BiasGradientProblem& p, cudaStream_t stream) {
  using Kernel = BiasGradient<kWidth>;
  using Element = typename Kernel::Element;
  const int blocks = (p.columns + Kernel::kBlockColumns - 1) / Kernel::kBlockColumns;
  launch<Kernel>({static_cast<const Element*>(p.rows), p.row_tokens, p.row_scales, p.expert_offsets,
                  p.num_rows, p.columns, static_cast<Element*>(p.d_bias), p.adds,
                  static_cast<const Element*>(p.bias), p.dots},
                 dim3(blocks, p.num_experts), stream);
}

}  // namespace

void bias_gradient(const BiasGradientProblem& problem, cudaStream_t stream) {
  static_assert(BiasGradient<8>::kBlockColumns == kBiasDotColumns);
  if (problem.d_bias == nullptr && problem.bias == nullptr) return;
  if (problem.columns % 8 == 0) return start<8>(problem, stream);
  if (problem.bias != nullptr)
    throw Error(ErrorKind::internal, "bias_gradient: dots need columns in whole vectors of 8");
  start<1>(problem, stream);
}

}  // namespace moe::cuda
