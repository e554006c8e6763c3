// The experts in PyTorch's operators: as a loop, or grouped.
#pragma once

#include <ATen/core/Tensor.h>

#include "moe/config.h"
#include "torch/parameters.h"

namespace moe::torch_rows {

/// The pairs in the form that each way of running experts begins with.
struct Pairs {
  at::Tensor chosen_experts;  // i64 [T, K]; undefined where the caller gave the routing
  at::Tensor scores;          // f32 [T, K], or [rows] of a given routing
  // Of a given routing:
  at::Tensor row_tokens;                     // i64 [rows]
  std::vector<std::int64_t> expert_offsets;  // [E + 1]

  bool are_given() const { return !chosen_experts.defined(); }
};

/// out [T, d] = the weighted sum of each token's experts. `out` is written in place.
void run_loop(const LayerConfig& config, const Parameters& parameters, const at::Tensor& x,
              const Pairs& pairs, at::Tensor out);
void run_grouped(const LayerConfig& config, const Parameters& parameters, const at::Tensor& x,
                 const Pairs& pairs, at::Tensor out);

/// out += gate * mlp(x).
void add_shared_expert(const LayerConfig& config, const Parameters& parameters, const at::Tensor& x,
                       at::Tensor out);

}  // namespace moe::torch_rows
