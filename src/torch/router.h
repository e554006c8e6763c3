// The router in PyTorch's operators, as model code writes it, and the routing that follows from a
// choice in the form that the rest of the house reads.
#pragma once

#include <ATen/core/Tensor.h>

#include "moe/config.h"
#include "moe/routing.h"
#include "torch/parameters.h"

namespace moe::torch_rows {

struct Choice {
  at::Tensor logits;   // f32 [T, E]
  at::Tensor experts;  // i64 [T, K], best first
  at::Tensor scores;   // f32 [T, K]
};

/// x [T, d]; logit_offsets f32 [T, E] or undefined. Differentiable by x, w_router and b_router.
Choice choose(const LayerConfig& config, const at::Tensor& x, const Parameters& parameters,
              const at::Tensor& logit_offsets);

/// Pairs t * K + k, sorted by expert, then token: i64 [T * K].
at::Tensor row_order(const at::Tensor& chosen_experts);

/// Fills the views of `routing`, each as long as T tokens need.
void write_routing(const Choice& choice, std::int64_t num_experts, const Routing& routing,
                   at::Device device);

}  // namespace moe::torch_rows
