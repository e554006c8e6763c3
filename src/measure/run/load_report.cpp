// From routing metrics to record fields.
#include "measure/run/load_report.h"

#include <limits>
#include <vector>

#include "routing/load.h"

namespace moe::measure {

record::Load load_record(const LayerConfig& config, const HostResult& result, std::int64_t tokens) {
  const auto num_experts = static_cast<std::size_t>(config.num_experts);
  std::vector<std::int64_t> executed(num_experts), chosen(num_experts);
  for (std::size_t e = 0; e < num_experts; ++e) {
    executed[e] = result.expert_offsets[e + 1] - result.expert_offsets[e];
  }
  for (std::int32_t expert : result.chosen_experts) ++chosen.at(static_cast<std::size_t>(expert));
  if (result.chosen_experts.empty()) chosen = executed;  // rows that came without a choice
  record::Load load = load_record(config, executed, tokens);
  if (result.logits.empty()) {  // of a given routing: nobody knows
    load.auxiliary_loss = load.z_loss = std::numeric_limits<double>::quiet_NaN();
  } else {
    const routing::RouterLosses losses =
        routing::router_losses(config, result.logits.data(), chosen, tokens);
    load.auxiliary_loss = losses.auxiliary;
    load.z_loss = losses.z;
  }
  load.utilization_before = routing::load_metrics(config, chosen, tokens).utilization;
  return load;
}

record::Load load_record(const LayerConfig& config, const std::vector<std::int64_t>& expert_rows,
                         std::int64_t tokens) {
  const routing::LoadMetrics metrics = routing::load_metrics(config, expert_rows, tokens);
  record::Load load;
  load.used_experts = metrics.used_experts;
  load.max_over_mean = metrics.max_over_mean;
  load.min_over_mean = metrics.min_over_mean;
  load.max_violation = metrics.max_violation;
  load.cv = metrics.cv;
  load.cv_random = metrics.cv_random;
  load.entropy = metrics.entropy;
  load.gini = metrics.gini;
  load.tile_waste = metrics.tile_waste;
  load.utilization = load.utilization_before = metrics.utilization;
  return load;
}

record::RoundingReport rounding_record(const LayerConfig& config, const HostResult& result,
                                       std::int64_t tokens) {
  const routing::RoundingEffect effect =
      routing::rounding_effect(config, result.chosen_experts.data(), result.expert_offsets.data(),
                               result.row_tokens.data(), tokens);
  return {.rule = std::string(name_of(config.rounding.rule)),
          .tile = config.rounding.tile,
          .dropped_pairs = effect.dropped_pairs,
          .added_pairs = effect.added_pairs,
          .largest_change = effect.largest_change,
          .tokens_without_expert = effect.tokens_without_expert,
          .tokens_with_fewer = effect.tokens_with_fewer,
          .drop_rate = effect.drop_rate,
          .add_rate = effect.add_rate};
}

}  // namespace moe::measure
