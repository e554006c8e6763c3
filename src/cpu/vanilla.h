// The loop over experts that PyTorch users write.
#pragma once

#include "cpu/layer.h"

namespace moe::cpu {

class VanillaLayer final : public CpuLayer {
 public:
  using CpuLayer::CpuLayer;

 private:
  void experts_forward(const Pass& pass, TensorView out) override;
  void experts_backward(const Pass& pass, TensorView d_out,
                        const InputGradients& gradients) override;
  bool finds_rows_itself(const Inputs& inputs) const override;
};

}  // namespace moe::cpu
