// The memory-minimal algorithm of SonicMoE (arXiv 2512.14080).
#pragma once

#include "cuda/variants/layer.h"

namespace moe::cuda {

class SonicLayer final : public CudaLayer {
 public:
  using CudaLayer::CudaLayer;

 private:
  bool sums_router_part() const override;
  void experts_forward(const Pass& pass, TensorView out) override;
  void experts_backward(const Pass& pass, TensorView d_out,
                        const InputGradients& gradients) override;
  void down_bias_gradient(const Pass& pass, TensorView d_out,
                          const InputGradients& gradients) const;
  void up_gradients(const Pass& pass, TensorView d_h, const InputGradients& gradients) const;
};

}  // namespace moe::cuda
