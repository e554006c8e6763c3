// The loop over experts that PyTorch users write, on any GPU: cuBLAS products, one expert after the
// other, every intermediate kept for backward; the shared expert by cuBLAS products too.
#pragma once

#include <vector>

#include "cuda/variants/layer.h"

namespace moe::cuda {

class VanillaLayer final : public CudaLayer {
 public:
  using CudaLayer::CudaLayer;

 private:
  void experts_forward(const Pass& pass, TensorView out) override;
  void experts_backward(const Pass& pass, TensorView d_out,
                        const InputGradients& gradients) override;
  void shared_forward(const Pass& pass, TensorView out) override;
  void shared_backward(const Pass& pass, TensorView d_out,
                       const InputGradients& gradients) override;
};

}  // namespace moe::cuda
