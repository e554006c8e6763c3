// The memory-minimal algorithm of SonicMoE (arXiv 2512.14080).
#pragma once

#include "cuda/variants/layer.h"
#include "plan/algorithms.h"

namespace moe::cuda {

/// What the backward pass gathers in steps of its own. A weight gradient of plain rows is quicker
/// than one that gathers, and the wider the experts, the less the gather costs beside it.
plan::GathersAgain gathers_again(const LayerConfig& config);

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
  void down_gradient(const Pass& pass, TensorView d_out, TensorView a_scaled, TensorView rows,
                     const InputGradients& gradients) const;
  void up_gradients(const Pass& pass, TensorView d_h, TensorView x_rows,
                    const InputGradients& gradients) const;
};

}  // namespace moe::cuda
