// Rows sorted by expert; every step over all experts at once.
#pragma once

#include "cuda/variants/layer.h"

namespace moe::cuda {

class GroupedGemmLayer final : public CudaLayer {
 public:
  using CudaLayer::CudaLayer;

 private:
  bool sums_router_part() const override;
  void experts_forward(const Pass& pass, TensorView out) override;
  void experts_backward(const Pass& pass, TensorView d_out,
                        const InputGradients& gradients) override;
};

}  // namespace moe::cuda
