// Weights and gradients of one MoE layer, as views. Row-major; LayerConfig::up_layout says how gate
// and up rows stand.
#pragma once

#include "moe/tensor.h"

namespace moe {

/// `u` is 2n for gated activations and n otherwise. Types are LayerConfig::dtype unless said.
struct Weights {
  TensorView w_router;       // [E, d]
  TensorView b_router;       // [E], with Gate::logit_bias
  TensorView w_up;           // [E, u, d]
  TensorView w_down;         // [E, d, n]
  TensorView b_up;           // [E, u], with LayerConfig::expert_bias: h = W_up x + b_up
  TensorView b_down;         // [E, d], y = W_down a + b_down
  TensorView b_select;       // f32 [E], with Gate::selection_bias
  TensorView w_shared_up;    // [u_shared, d], with a shared expert
  TensorView w_shared_down;  // [d, n_shared]
  TensorView w_shared_gate;  // [d], with SharedExpert::gated
};

/// Same shapes and types as Weights. An empty view is a gradient that is not wanted. b_select has
/// none.
using Gradients = Weights;

enum class Accumulate { overwrite, add };

}  // namespace moe
