// Closed formulas of one layer.
#include "model/layer/layer_cost.h"

namespace moe::model {

LayerFlops layer_flops(const LayerConfig& config, std::int64_t tokens, std::int64_t pairs) {
  const double d = static_cast<double>(config.hidden_dim);
  const double routed = static_cast<double>(pairs) * d * (config.up_dim() + config.ffn_dim);
  const double shared =
      static_cast<double>(tokens) * d *
      (config.shared.ffn_dim == 0 ? 0 : config.shared_up_dim() + config.shared.ffn_dim);
  const double forward = 2.0 * (routed + shared);
  return {forward, 2.0 * forward};
}

std::int64_t expert_parameters(const LayerConfig& config, std::int64_t num_experts) {
  const std::int64_t biases = config.expert_bias ? config.up_dim() + config.hidden_dim : 0;
  return num_experts * (config.hidden_dim * (config.up_dim() + config.ffn_dim) + biases);
}

std::int64_t layer_parameters(const LayerConfig& config) {
  const std::int64_t d = config.hidden_dim;
  std::int64_t count = config.num_experts * d;  // w_router
  if (config.gate.logit_bias) count += config.num_experts;
  count += expert_parameters(config, config.num_experts);
  if (config.shared.ffn_dim > 0) count += d * (config.shared_up_dim() + config.shared.ffn_dim);
  if (config.shared.gated) count += d;
  return count;
}

std::size_t gradient_bytes(const LayerConfig& config) {
  return static_cast<std::size_t>(layer_parameters(config)) * size_of(config.dtype);
}

std::size_t weight_bytes(const LayerConfig& config) {
  const std::size_t bias = config.gate.selection_bias ? config.num_experts * sizeof(float) : 0;
  return gradient_bytes(config) + bias;
}

}  // namespace moe::model
