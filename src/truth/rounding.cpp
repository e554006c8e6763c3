// Token rounding by sorting all tokens for every expert.
#include "truth/rounding.h"

#include <algorithm>
#include <numeric>

#include "core/exact_math.h"
#include "truth/element.h"

namespace moe::truth {
namespace {

/// Float32 scores of all experts for one token, bit for bit as routing/gate.h defines them: [E].
std::vector<float> exact_scores(const LayerConfig& config, const float* logits,
                                const std::int32_t* chosen) {
  const Gate& gate = config.gate;
  const bool sums_chosen = gate.renormalize || gate.kind == GateKind::topk_softmax;
  std::vector<float> values(logits, logits + config.num_experts);
  float denominator = 1.0f;
  if (gate.kind == GateKind::sigmoid) {
    for (float& value : values) value = sigmoid32(value);
  } else {
    float shift = sums_chosen ? logits[chosen[0]] : logits[0];
    for (std::int64_t k = 0; sums_chosen && k < config.top_k; ++k)
      shift = std::max(shift, logits[chosen[k]]);
    for (std::int64_t e = 0; !sums_chosen && e < config.num_experts; ++e)
      shift = std::max(shift, logits[e]);
    for (float& value : values) value = exp32(value - shift);
    if (!sums_chosen) denominator = lane_sum32(values.data(), config.num_experts);
  }
  if (sums_chosen) {
    denominator = 0.0f;
    for (std::int64_t k = 0; k < config.top_k; ++k) denominator += values[chosen[k]];
    if (gate.kind == GateKind::sigmoid) denominator += 1e-20f;
  }
  for (float& value : values) value = gate.scale * (value / denominator);
  return values;
}

struct Candidate {
  bool is_chosen;
  float score;
  std::int32_t token;
};

bool ranks_before(const Candidate& a, const Candidate& b) {
  if (a.is_chosen != b.is_chosen) return a.is_chosen;
  if (a.score != b.score) return a.score > b.score;
  return a.token < b.token;
}

}  // namespace

std::int64_t rounded_rows(const Rounding& rounding, std::int64_t count, std::int64_t tokens) {
  if (rounding.rule == RoundingRule::none || count % rounding.tile == 0) return count;
  const std::int64_t below = count - count % rounding.tile, above = below + rounding.tile;
  if (above > tokens || rounding.rule == RoundingRule::down) return below;
  if (rounding.rule == RoundingRule::up) return above;
  return above - count < count - below ? above : below;
}

std::vector<std::vector<std::int32_t>> kept_tokens(const LayerConfig& config, const float* logits,
                                                   const std::int32_t* chosen,
                                                   std::int64_t tokens) {
  const std::int64_t num_experts = config.num_experts, top_k = config.top_k;
  std::vector<std::vector<std::int32_t>> kept(static_cast<std::size_t>(num_experts));
  for (std::int64_t pair = 0; pair < tokens * top_k; ++pair) {
    kept[chosen[pair]].push_back(static_cast<std::int32_t>(pair / top_k));
  }
  if (config.rounding.rule == RoundingRule::none) return kept;

  std::vector<float> scores(static_cast<std::size_t>(tokens * num_experts));
#pragma omp parallel for if (is_worth_threads(tokens * num_experts))
  for (std::int64_t t = 0; t < tokens; ++t) {
    const std::vector<float> of_token =
        exact_scores(config, logits + t * num_experts, chosen + t * top_k);
    std::copy(of_token.begin(), of_token.end(), scores.begin() + t * num_experts);
  }
#pragma omp parallel for schedule(dynamic) if (is_worth_threads(tokens * num_experts))
  for (std::int64_t e = 0; e < num_experts; ++e) {
    std::vector<Candidate> candidates;
    for (std::int32_t t = 0; t < tokens; ++t)
      candidates.push_back({false, scores[t * num_experts + e], t});
    for (std::int32_t t : kept[e]) candidates[t].is_chosen = true;
    std::sort(candidates.begin(), candidates.end(), ranks_before);
    const auto count = static_cast<std::int64_t>(kept[e].size());
    candidates.resize(static_cast<std::size_t>(rounded_rows(config.rounding, count, tokens)));
    kept[e].clear();
    for (const Candidate& candidate : candidates) kept[e].push_back(candidate.token);
    std::sort(kept[e].begin(), kept[e].end());
  }
  return kept;
}

}  // namespace moe::truth
