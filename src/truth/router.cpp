// Logits and choice, and the pairs that follow from them.
#include "truth/router.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/exact_math.h"
#include "truth/difference.h"
#include "truth/element.h"
#include "truth/rounding.h"

namespace moe::truth {
namespace {

/// How far values may lie apart that a framework's own softmax or sigmoid makes equal.
float near_tie(float value) {
  return 1e-6f * std::max(1.0f, std::abs(value));
}

/// The float32 values that the choice compares, as routing/gate.h defines them: [E].
std::vector<float> compared_values(const LayerConfig& config, const float* logits,
                                   const float* b_select) {
  std::vector<float> values(logits, logits + config.num_experts);
  if (config.gate.kind != GateKind::sigmoid) return values;
  for (std::int64_t e = 0; e < config.num_experts; ++e) {
    values[e] = sigmoid32(logits[e]);
    if (b_select) values[e] = values[e] + b_select[e];
  }
  return values;
}

/// Indices by descending value; equal values by index.
std::vector<std::int32_t> ranked(const std::vector<float>& values) {
  std::vector<std::int32_t> indices(values.size());
  std::iota(indices.begin(), indices.end(), 0);
  std::stable_sort(indices.begin(), indices.end(),
                   [&](std::int32_t a, std::int32_t b) { return values[a] > values[b]; });
  return indices;
}

/// Whether the group of each expert may be chosen from: [num_groups]. Groups of the `favoured`
/// experts, none or K, win against others that are better by less than near_tie().
std::vector<bool> kept_groups(const LayerConfig& config, const std::vector<float>& values,
                              const std::int32_t* favoured = nullptr) {
  const std::int64_t size = config.num_experts / config.gate.num_groups;
  std::vector<float> group_values;
  for (std::int64_t g = 0; g < config.gate.num_groups; ++g) {
    std::vector<float> members(values.begin() + g * size, values.begin() + (g + 1) * size);
    std::sort(members.begin(), members.end(), std::greater<>());
    const bool sums_two = config.gate.kind == GateKind::sigmoid && size > 1;
    group_values.push_back(sums_two ? members[0] + members[1] : members[0]);
  }
  if (favoured != nullptr) {
    std::vector<bool> is_favoured(group_values.size(), false);
    for (std::int64_t k = 0; k < config.top_k; ++k) is_favoured[favoured[k] / size] = true;
    for (std::size_t g = 0; g < group_values.size(); ++g) {
      if (is_favoured[g]) group_values[g] += near_tie(group_values[g]);
    }
  }
  std::vector<bool> kept(static_cast<std::size_t>(config.gate.num_groups), false);
  const std::vector<std::int32_t> order = ranked(group_values);
  for (std::int64_t i = 0; i < config.gate.kept_groups; ++i) kept[order[i]] = true;
  return kept;
}

/// Experts by descending value, those of groups that may not be chosen from left out.
std::vector<std::int32_t> candidates(const LayerConfig& config, const std::vector<float>& values,
                                     const std::int32_t* favoured = nullptr) {
  std::vector<std::int32_t> experts = ranked(values);
  if (config.gate.num_groups > 1) {
    const std::vector<bool> kept = kept_groups(config, values, favoured);
    const std::int64_t size = config.num_experts / config.gate.num_groups;
    std::erase_if(experts, [&](std::int32_t e) { return !kept[e / size]; });
  }
  return experts;
}

/// Fills everything by row from the tokens of each expert, ascending; the scores stay empty.
void list_pairs(const std::vector<std::vector<std::int32_t>>& expert_tokens, std::int64_t tokens,
                RoutedRows& routed) {
  std::vector<std::vector<std::int32_t>> rows_of(static_cast<std::size_t>(tokens));
  routed.expert_offsets = {0};
  for (std::size_t e = 0; e < expert_tokens.size(); ++e) {
    for (std::int32_t token : expert_tokens[e]) {
      rows_of[token].push_back(static_cast<std::int32_t>(routed.row_tokens.size()));
      routed.row_tokens.push_back(token);
      routed.row_experts.push_back(static_cast<std::int32_t>(e));
    }
    routed.expert_offsets.push_back(static_cast<std::int32_t>(routed.row_tokens.size()));
  }
  routed.token_offsets = {0};
  for (const std::vector<std::int32_t>& rows : rows_of) {
    routed.token_rows.insert(routed.token_rows.end(), rows.begin(), rows.end());
    routed.token_offsets.push_back(static_cast<std::int32_t>(routed.token_rows.size()));
  }
}

}  // namespace

std::vector<double> token_logits(const Problem& problem, std::int64_t token) {
  const std::int64_t d = problem.config.hidden_dim, num_experts = problem.config.num_experts;
  const std::vector<double> x = read(problem.x, token * d, 1, d);
  std::vector<double> logits;
  for (std::int64_t e = 0; e < num_experts; ++e) {
    const std::vector<double> row = read(problem.weights.w_router, e * d, 1, d);
    logits.push_back(dot(row.data(), x.data(), d));
    if (problem.config.gate.logit_bias) logits.back() += element(problem.weights.b_router, e);
    if (!problem.logit_offsets.empty()) {
      logits.back() += element(problem.logit_offsets, token * num_experts + e);
    }
  }
  return logits;
}

std::vector<std::int32_t> choose(const LayerConfig& config, const float* logits,
                                 const float* b_select) {
  std::vector<std::int32_t> experts = candidates(config, compared_values(config, logits, b_select));
  experts.resize(static_cast<std::size_t>(config.top_k));
  return experts;
}

bool is_nearly_chosen(const LayerConfig& config, const float* logits, const float* b_select,
                      const std::int32_t* choice) {
  std::vector<bool> seen(static_cast<std::size_t>(config.num_experts), false);
  for (std::int64_t k = 0; k < config.top_k; ++k) {
    const std::int32_t e = choice[k];
    if (e < 0 || e >= config.num_experts || seen[e]) return false;
    seen[e] = true;
  }
  const std::vector<float> values = compared_values(config, logits, b_select);
  const std::vector<std::int32_t> exact = candidates(config, values, choice);
  for (std::int64_t k = 0; k < config.top_k; ++k) {
    const float want = values[exact[k]];
    if (std::abs(values[choice[k]] - want) > near_tie(want)) return false;
  }
  return true;
}

RoutedRows route(const LayerConfig& config, const float* logits, const float* b_select,
                 std::int64_t tokens, std::uint64_t rounding_seed, const std::int32_t* choice) {
  RoutedRows routed;
  const std::int64_t num_experts = config.num_experts, top_k = config.top_k;
  routed.chosen_experts.resize(static_cast<std::size_t>(tokens * top_k));
#pragma omp parallel for if (is_worth_threads(tokens * num_experts))
  for (std::int64_t t = 0; t < tokens; ++t) {
    const float* own_logits = logits + t * num_experts;
    const std::vector<std::int32_t> exact = choose(config, own_logits, b_select);
    const std::int32_t* chosen = choice == nullptr ? exact.data() : choice + t * top_k;
    if (!std::equal(exact.begin(), exact.end(), chosen) &&
        !is_nearly_chosen(config, own_logits, b_select, chosen)) {
      chosen = exact.data();
    }
    std::copy_n(chosen, top_k, routed.chosen_experts.begin() + t * top_k);
  }
  list_pairs(kept_tokens(config, logits, routed.chosen_experts.data(), tokens, rounding_seed),
             tokens, routed);
  replace_logits(config, std::vector<double>(logits, logits + tokens * num_experts), routed);
  return routed;
}

void replace_logits(const LayerConfig& config, std::vector<double> logits, RoutedRows& routed) {
  routed.logits = std::move(logits);
  routed.row_scores.assign(routed.row_tokens.size(), 0);
  const auto tokens = static_cast<std::int64_t>(routed.token_offsets.size()) - 1;
#pragma omp parallel for if (is_worth_threads(tokens * config.num_experts))
  for (std::int64_t t = 0; t < tokens; ++t) {
    const std::vector<double> scores = token_scores(config, &routed.logits[t * config.num_experts],
                                                    &routed.chosen_experts[t * config.top_k]);
    for (std::int32_t i = routed.token_offsets[t]; i < routed.token_offsets[t + 1]; ++i) {
      const std::int32_t row = routed.token_rows[i];
      routed.row_scores[row] = scores[routed.row_experts[row]];
    }
  }
}

RoutedRows given_rows(const std::int32_t* expert_offsets, const std::int32_t* row_tokens,
                      const float* row_scores, std::int64_t num_experts, std::int64_t tokens) {
  std::vector<std::vector<std::int32_t>> expert_tokens;
  for (std::int64_t e = 0; e < num_experts; ++e) {
    expert_tokens.emplace_back(row_tokens + expert_offsets[e], row_tokens + expert_offsets[e + 1]);
  }
  RoutedRows routed;
  list_pairs(expert_tokens, tokens, routed);
  routed.row_scores.assign(row_scores, row_scores + routed.row_tokens.size());
  return routed;
}

std::vector<double> chosen_scores(const LayerConfig& config, const RoutedRows& routed) {
  const auto tokens = static_cast<std::int64_t>(routed.token_offsets.size()) - 1;
  std::vector<double> chosen_scores;
  for (std::int64_t t = 0; t < tokens; ++t) {
    const std::int32_t* chosen = &routed.chosen_experts[t * config.top_k];
    const std::vector<double> scores =
        token_scores(config, &routed.logits[t * config.num_experts], chosen);
    for (std::int64_t k = 0; k < config.top_k; ++k) chosen_scores.push_back(scores[chosen[k]]);
  }
  return chosen_scores;
}

bool routes_alike(const RoutedRows& a, const RoutedRows& b, double tolerance) {
  if (a.expert_offsets != b.expert_offsets || a.row_tokens != b.row_tokens ||
      a.chosen_experts != b.chosen_experts) {
    return false;
  }
  Difference difference;
  for (std::size_t row = 0; row < a.row_scores.size(); ++row) {
    difference.add(a.row_scores[row], b.row_scores[row], static_cast<std::int64_t>(row));
  }
  return difference.error() <= tolerance;
}

}  // namespace moe::truth
