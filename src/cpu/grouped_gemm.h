// Rows sorted by expert; every step over all experts at once.
#pragma once

#include "cpu/layer.h"

namespace moe::cpu {

class GroupedGemmLayer final : public CpuLayer {
 public:
  using CpuLayer::CpuLayer;

 private:
  void experts_forward(const Pass& pass, TensorView out) override;
  void experts_backward(const Pass& pass, TensorView d_out,
                        const InputGradients& gradients) override;
};

}  // namespace moe::cpu
