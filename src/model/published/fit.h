// The largest batch that a device can hold, and what stops it there.
#pragma once

#include <cstdint>
#include <functional>

#include "model/layer/layer_memory.h"

namespace moe::model {

struct Fit {
  std::int64_t tokens = 0;  // most that fit: a multiple of 64 above 64; 0 = not even one
  std::int64_t bytes = 0;   // at the peak with these; with one token when none fits
  Composition limit;        // of the first number of tokens that does not fit
};

/// `setup` makes the layer for a number of tokens. Memory is taken to grow with tokens.
Fit largest_fit(const std::function<LayerSetup(std::int64_t tokens)>& setup,
                std::int64_t capacity_bytes);

/// The part that is largest at the limit, states excepted unless they alone are too much: what to
/// reduce next. Empty when there is none.
const Tensor* largest_activation(const Composition& composition);

}  // namespace moe::model
