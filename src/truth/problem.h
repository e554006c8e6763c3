// What a layer computes from, as host tensors: the input of every function of the truth.
//
// The truth is the referee of the project: straight loops in double with formulas of its own,
// against which every implementation is checked. It shares no code with them; of src/core it takes
// exact_math.h alone, because the router's choice compares float32 values whose bits that header
// defines.
#pragma once

#include <cstdint>

#include "moe/config.h"
#include "moe/layer.h"
#include "moe/tensor.h"

namespace moe::truth {

/// Views of host memory; every float type may stand anywhere (f64 allows finite differences).
struct Problem {
  LayerConfig config;
  Weights weights;
  TensorView x;              // [T, d]
  TensorView d_out;          // [T, d], or empty: forward only
  TensorView logit_offsets;  // f32 [T, E], or empty

  std::int64_t tokens() const { return x.shape[0]; }
};

}  // namespace moe::truth
