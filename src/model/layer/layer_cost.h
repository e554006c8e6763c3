// What one MoE layer costs in arithmetic and memory, by formula (docs/measurement.md).
#pragma once

#include <cstddef>
#include <cstdint>

#include "moe/config.h"

namespace moe::model {

/// FLOP of one pass: 2 per multiply-add, `pairs` routed pairs through the experts plus every token
/// through the shared expert. Gated experts: 6 pairs d n forward; ungated: 4. Backward is twice
/// that. The router is not counted (the convention of arXiv 2512.14080).
struct LayerFlops {
  double forward = 0;
  double backward = 0;
};
LayerFlops layer_flops(const LayerConfig& config, std::int64_t tokens, std::int64_t pairs);

/// Parameters of one layer: router, experts, shared expert and its gate.
std::int64_t layer_parameters(const LayerConfig& config);

/// Of these, what belongs to routed experts: w_up and w_down of `num_experts` experts.
std::int64_t expert_parameters(const LayerConfig& config, std::int64_t num_experts);

/// Bytes of all weights in the layer's type; the selection bias is float32.
std::size_t weight_bytes(const LayerConfig& config);
/// Bytes of one set of gradients: as weights, without the selection bias.
std::size_t gradient_bytes(const LayerConfig& config);

}  // namespace moe::model
