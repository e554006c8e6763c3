// The memory-minimal algorithm of SonicMoE (arXiv 2512.14080).
#pragma once

#include "cuda/variants/layer.h"

namespace moe::cuda {

/// Whether the backward pass gathers X in a step of its own, into the buffer that the rows of dX
/// have left, and W_up's gradient then reads rows like any other. The wider the experts, the more
/// often each gathered row is read: a gather costs as much as it saves at 2048 (H100).
bool gathers_x_again(const LayerConfig& config);

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
  void up_gradients(const Pass& pass, TensorView d_h, TensorView x_rows,
                    const InputGradients& gradients) const;
};

}  // namespace moe::cuda
