// The list of CUDA variants.
#pragma once

#include <vector>

#include "moe/variant.h"

namespace moe::cuda {

/// In the order of tables.
std::vector<const Variant*> cuda_variants();

}  // namespace moe::cuda
