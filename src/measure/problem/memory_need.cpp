// Sums of plan and tensor sizes.
#include "measure/problem/memory_need.h"

#include "measure/problem/problem.h"
#include "measure/run/dense_bound.h"
#include "model/layer/layer_cost.h"

namespace moe::measure {

Request make_request(const LayerConfig& config, std::int64_t tokens, bool training,
                     std::optional<std::int64_t> given_rows) {
  return {.config = config,
          .max_tokens = tokens,
          .max_rows = given_rows.value_or(max_routed_rows(config, tokens)),
          .training = training};
}

record::Bytes variant_bytes(const Plan& plan) {
  const LayerConfig& config = plan.request.config;
  record::Bytes bytes;
  bytes.weights = static_cast<std::int64_t>(model::weight_bytes(config));
  if (plan.request.training)
    bytes.gradients = static_cast<std::int64_t>(model::gradient_bytes(config));
  bytes.saved = static_cast<std::int64_t>(plan.saved_bytes);
  bytes.workspace = static_cast<std::int64_t>(plan.workspace_bytes);
  bytes.peak = bytes.saved + bytes.workspace;
  return bytes;
}

record::Bytes choice_bytes(const VariantChoice& choice, const LayerConfig& config,
                           std::int64_t tokens, bool training, const DeviceTraits& traits,
                           std::optional<std::int64_t> given_rows) {
  if (!choice.is_dense_bound()) {
    return variant_bytes(
        choice.variant->plan(make_request(config, tokens, training, given_rows), traits));
  }
  const std::int64_t pairs = given_rows.value_or(tokens * config.top_k);
  record::Bytes bytes;
  bytes.weights = static_cast<std::int64_t>(model::weight_bytes(config));
  if (training) bytes.gradients = static_cast<std::int64_t>(model::gradient_bytes(config));
  bytes.workspace =
      static_cast<std::int64_t>(dense_region_bytes(config, tokens, pairs, training, traits));
  bytes.peak = bytes.workspace;
  return bytes;
}

std::int64_t shared_tensor_bytes(const LayerConfig& config, std::int64_t tokens, bool training) {
  const std::int64_t token_tensor =
      tokens * config.hidden_dim * static_cast<std::int64_t>(size_of(config.dtype));
  auto bytes = static_cast<std::int64_t>(Problem::carved_bytes(config, true));
  if (training) bytes += static_cast<std::int64_t>(Problem::carved_bytes(config, false));
  bytes += token_tensor * (training ? 4 : 3);                   // x, d_out, out; d_x
  bytes += 2 * tokens * config.num_experts * 4;                 // logits and their offsets
  bytes += training ? max_routed_rows(config, tokens) * 4 : 0;  // d_scores
  return bytes;
}

std::int64_t largest_tokens(const VariantChoice& choice, const LayerConfig& config, bool training,
                            const DeviceTraits& traits, std::int64_t capacity_bytes) {
  const LayerConfig own = choice.config(config);
  const auto fits = [&](std::int64_t tokens) {
    return shared_tensor_bytes(own, tokens, training) +
               choice_bytes(choice, own, tokens, training, traits).peak <=
           capacity_bytes;
  };
  if (!fits(1)) return 0;
  std::int64_t low = 1, high = 2;
  while (high < (std::int64_t{1} << 31) && fits(high)) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low > 64 ? low / 64 * 64 : low;
}

}  // namespace moe::measure
