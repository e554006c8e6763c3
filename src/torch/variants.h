// The variants in PyTorch itself: what "faster than PyTorch" is measured against. Plain C++: no
// header of PyTorch is needed to list, plan or make them.
#pragma once

#include <memory>
#include <vector>

#include "moe/variant.h"

namespace moe::torch_rows {

/// How the experts are run.
enum class Experts {
  loop,     // torch.where, x[tokens], linear, activation, linear, index_add_ for each expert
  grouped,  // sort, x[tokens], torch._grouped_mm, activation, torch._grouped_mm, index_add_
};

/// vanilla_torch, torch_grouped_mm.
std::vector<const Variant*> torch_variants();

/// Defined in layer.cpp.
std::unique_ptr<Layer> make_torch_layer(const Plan& plan, DeviceId device, Experts experts);

}  // namespace moe::torch_rows
