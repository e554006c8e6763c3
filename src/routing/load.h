// Load-balance metrics of one routing. Formulas and sources: docs/measurement.md, "Load balance".
#pragma once

#include <cstdint>
#include <vector>

#include "moe/config.h"

namespace moe::routing {

/// c_e = rows of expert e, m = mean of c_e, p_e = c_e / sum(c). With no rows all is 0 but
/// cv_random.
struct LoadMetrics {
  std::int64_t used_experts = 0;  // experts with c_e > 0
  double max_over_mean = 0;
  double min_over_mean = 0;
  double max_violation = 0;  // MaxVio = max/mean - 1
  double cv = 0;             // standard deviation (of the population) / mean
  double cv_random = 0;      // expected of fair random routing: sqrt((1 - K/E) / (T K/E))
  double entropy = 0;        // -sum p ln p / ln E; 1 when E is 1
  double gini = 0;
  double tile_waste = 0;            // sum(ceil(c_e / tile) * tile) / sum(c) - 1
  std::vector<double> utilization;  // c_e * E / sum(c), per expert
};

LoadMetrics load_metrics(const LayerConfig& config, const std::vector<std::int64_t>& expert_rows,
                         std::int64_t tokens);

/// Losses that training recipes put on the router, from logits f32 [T, E] and the choice before
/// rounding.
struct RouterLosses {
  double auxiliary = 0;  // E * sum f_e P_e, f_e = c_e / TK, P_e = mean softmax probability (Switch)
  double z = 0;          // mean of logsumexp(logits)^2 (ST-MoE)
};
RouterLosses router_losses(const LayerConfig& config, const float* logits,
                           const std::vector<std::int64_t>& chosen_rows, std::int64_t tokens);

/// What rounding did to the choice.
struct RoundingEffect {
  std::int64_t dropped_pairs = 0;
  std::int64_t added_pairs = 0;
  std::int64_t largest_change = 0;  // rows, of one expert
  std::int64_t tokens_without_expert = 0;
  std::int64_t tokens_with_fewer = 0;  // than K experts
  double drop_rate = 0;                // of the T*K chosen pairs
  double add_rate = 0;
};
RoundingEffect rounding_effect(const LayerConfig& config, const std::int32_t* chosen_experts,
                               const std::int32_t* expert_offsets, const std::int32_t* row_tokens,
                               std::int64_t tokens);

}  // namespace moe::routing
