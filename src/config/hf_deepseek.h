// Inside the room: what DeepSeek's kin share with hybrids.
#pragma once

#include <cstdint>

#include "moe/config.h"

namespace moe::config {

/// Layers from number `first` on have experts, every `step`-th of them.
std::int64_t dense_layers_before(std::int64_t num_layers, std::int64_t first, std::int64_t step);

}  // namespace moe::config
