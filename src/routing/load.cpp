// Load metrics, one formula per function; load.h names them, docs/measurement.md their sources.
#include "routing/load.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

namespace moe::routing {
namespace {

double deviation_over_mean(const std::vector<std::int64_t>& counts, double mean) {
  double squares = 0;
  for (const auto count : counts) squares += std::pow(static_cast<double>(count) - mean, 2);
  return std::sqrt(squares / static_cast<double>(counts.size())) / mean;
}

double normalized_entropy(const std::vector<std::int64_t>& counts, double sum) {
  if (counts.size() == 1) return 1;
  double entropy = 0;
  for (const auto count : counts) {
    const double share = static_cast<double>(count) / sum;
    if (count > 0) entropy -= share * std::log(share);
  }
  return entropy / std::log(static_cast<double>(counts.size()));
}

/// sum_i (2i - E - 1) c_(i) / (E sum c), c_(1) <= c_(2) <= ...
double gini(std::vector<std::int64_t> counts, double sum) {
  std::sort(counts.begin(), counts.end());
  const auto num_experts = static_cast<double>(counts.size());
  double weighted = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    weighted +=
        (2.0 * static_cast<double>(i + 1) - num_experts - 1) * static_cast<double>(counts[i]);
  }
  return weighted / (num_experts * sum);
}

double tile_waste(const std::vector<std::int64_t>& counts, std::int64_t tile, double sum) {
  std::int64_t padded = 0;
  for (const auto count : counts) padded += (count + tile - 1) / tile * tile;
  return static_cast<double>(padded) / sum - 1;
}

/// Adds one token's softmax to `probabilities`; returns its logsumexp.
double add_softmax(const float* logits, std::vector<double>& softmax,
                   std::vector<double>& probabilities) {
  const double shift = *std::max_element(logits, logits + softmax.size());
  double sum = 0;
  for (std::size_t e = 0; e < softmax.size(); ++e) {
    softmax[e] = std::exp(logits[e] - shift);
    sum += softmax[e];
  }
  for (std::size_t e = 0; e < softmax.size(); ++e) probabilities[e] += softmax[e] / sum;
  return shift + std::log(sum);
}

}  // namespace

LoadMetrics load_metrics(const LayerConfig& config, const std::vector<std::int64_t>& expert_rows,
                         std::int64_t tokens) {
  LoadMetrics metrics;
  metrics.utilization.resize(expert_rows.size());
  const auto num_experts = static_cast<double>(config.num_experts);
  const double share = static_cast<double>(config.top_k) / num_experts;
  if (tokens > 0) {
    metrics.cv_random = std::sqrt((1 - share) / (static_cast<double>(tokens) * share));
  }
  const auto sum =
      static_cast<double>(std::accumulate(expert_rows.begin(), expert_rows.end(), std::int64_t{0}));
  if (sum == 0) return metrics;

  const double mean = sum / num_experts;
  const auto [least, most] = std::minmax_element(expert_rows.begin(), expert_rows.end());
  metrics.used_experts =
      std::ssize(expert_rows) - std::count(expert_rows.begin(), expert_rows.end(), 0);
  metrics.max_over_mean = static_cast<double>(*most) / mean;
  metrics.min_over_mean = static_cast<double>(*least) / mean;
  metrics.max_violation = metrics.max_over_mean - 1;
  metrics.cv = deviation_over_mean(expert_rows, mean);
  metrics.entropy = normalized_entropy(expert_rows, sum);
  metrics.gini = gini(expert_rows, sum);
  metrics.tile_waste = tile_waste(expert_rows, config.rounding.tile, sum);
  std::transform(expert_rows.begin(), expert_rows.end(), metrics.utilization.begin(),
                 [&](std::int64_t rows) { return static_cast<double>(rows) / mean; });
  return metrics;
}

RouterLosses router_losses(const LayerConfig& config, const float* logits,
                           const std::vector<std::int64_t>& chosen_rows, std::int64_t tokens) {
  if (tokens == 0) return {};
  const std::int64_t num_experts = config.num_experts;
  std::vector<double> softmax(num_experts), probabilities(num_experts);
  RouterLosses losses;
  for (std::int64_t t = 0; t < tokens; ++t) {
    losses.z += std::pow(add_softmax(logits + t * num_experts, softmax, probabilities), 2);
  }
  losses.z /= static_cast<double>(tokens);
  for (std::int64_t e = 0; e < num_experts; ++e) {
    losses.auxiliary += static_cast<double>(chosen_rows[e]) * probabilities[e];
  }
  const auto pairs = static_cast<double>(tokens * config.top_k);
  losses.auxiliary *= static_cast<double>(num_experts) / (pairs * static_cast<double>(tokens));
  return losses;
}

RoundingEffect rounding_effect(const LayerConfig& config, const std::int32_t* chosen_experts,
                               const std::int32_t* expert_offsets, const std::int32_t* row_tokens,
                               std::int64_t tokens) {
  const std::int64_t num_experts = config.num_experts, top_k = config.top_k;
  RoundingEffect effect;
  std::vector<std::int64_t> chosen(num_experts), experts_of_token(tokens);
  std::int64_t kept = 0;
  for (std::int64_t pair = 0; pair < tokens * top_k; ++pair) {
    const std::int32_t e = chosen_experts[pair];
    ++chosen[e];
    kept += std::binary_search(row_tokens + expert_offsets[e], row_tokens + expert_offsets[e + 1],
                               static_cast<std::int32_t>(pair / top_k));
  }
  for (std::int64_t e = 0; e < num_experts; ++e) {
    const std::int64_t rows = expert_offsets[e + 1] - expert_offsets[e];
    effect.largest_change = std::max(effect.largest_change, std::abs(rows - chosen[e]));
  }
  const std::int32_t num_rows = expert_offsets[num_experts];
  for (std::int32_t row = 0; row < num_rows; ++row) ++experts_of_token[row_tokens[row]];
  effect.dropped_pairs = tokens * top_k - kept;
  effect.added_pairs = num_rows - kept;
  effect.tokens_without_expert = std::count(experts_of_token.begin(), experts_of_token.end(), 0);
  effect.tokens_with_fewer = std::count_if(experts_of_token.begin(), experts_of_token.end(),
                                           [&](std::int64_t experts) { return experts < top_k; });
  if (tokens > 0) {
    const auto pairs = static_cast<double>(tokens * top_k);
    effect.drop_rate = static_cast<double>(effect.dropped_pairs) / pairs;
    effect.add_rate = static_cast<double>(effect.added_pairs) / pairs;
  }
  return effect;
}

}  // namespace moe::routing
