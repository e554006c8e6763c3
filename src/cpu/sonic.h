// The memory-minimal algorithm of SonicMoE (arXiv 2512.14080).
#pragma once

#include "cpu/layer.h"

namespace moe::cpu {

class SonicLayer final : public CpuLayer {
 public:
  using CpuLayer::CpuLayer;

 private:
  void experts_forward(const Pass& pass, TensorView out) override;
  void experts_backward(const Pass& pass, TensorView d_out,
                        const InputGradients& gradients) override;
};

}  // namespace moe::cpu
