// Tensors made from a seed: the same numbers on any number of threads.
#pragma once

#include <cstdint>

#include "core/random.h"
#include "moe/tensor.h"

namespace moe {

/// Fills a host tensor (f32, bf16, f16 or f64) with `deviation` * N(0, 1) numbers of one random
/// stream, from number `first` on: a part of a tensor comes out as it would in the whole.
void fill_normal(TensorView tensor, std::uint64_t seed, RandomStream stream, float deviation,
                 std::int64_t first = 0);

}  // namespace moe
