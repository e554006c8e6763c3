// The loop over experts that PyTorch users write, on the GPU: cuBLAS products, one expert after the
// other, every intermediate kept for backward.
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
};

}  // namespace moe::cuda
