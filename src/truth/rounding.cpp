// Token rounding by sorting all tokens for every expert.
#include "truth/rounding.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/exact_math.h"
#include "core/random.h"
#include "moe/error.h"
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

/// [T, E]
std::vector<float> all_scores(const LayerConfig& config, const float* logits,
                              const std::int32_t* chosen, std::int64_t tokens) {
  const std::int64_t num_experts = config.num_experts;
  std::vector<float> scores(static_cast<std::size_t>(tokens * num_experts));
#pragma omp parallel for if (is_worth_threads(tokens * num_experts))
  for (std::int64_t t = 0; t < tokens; ++t) {
    const std::vector<float> of_token =
        exact_scores(config, logits + t * num_experts, chosen + t * config.top_k);
    std::copy(of_token.begin(), of_token.end(), scores.begin() + t * num_experts);
  }
  return scores;
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

/// What the random rules draw for an expert: a number below 2^32.
std::uint64_t draw(std::uint64_t seed, std::int64_t expert) {
  return philox(seed, RandomStream::rounding, static_cast<std::uint64_t>(expert)).word[0];
}

/// SR-f: draw / 2^32 < surplus / tile, in whole numbers.
bool draws_up(std::uint64_t draw, std::int64_t surplus, std::int64_t tile) {
  return draw * static_cast<std::uint64_t>(tile) < static_cast<std::uint64_t>(surplus) << 32;
}

/// Sum over candidates [first, end) of floor(score / scale * 2^24), capped at 2^32 each.
std::uint64_t whole_units(const std::vector<Candidate>& candidates, std::int64_t first,
                          std::int64_t end, float scale) {
  std::uint64_t sum = 0;
  for (std::int64_t i = first; i < end; ++i) {
    const float share = candidates[static_cast<std::size_t>(i)].score / scale;
    if (share > 0) sum += static_cast<std::uint64_t>(std::min(std::ldexp(share, 24), 0x1p32f));
  }
  return sum;
}

/// NR-s: the candidates between the lower multiple and the count would be lost, those from there to
/// the upper one gained.
std::int64_t rows_by_scores(const LayerConfig& config, const std::vector<Candidate>& candidates,
                            std::int64_t count, std::uint64_t draw) {
  const std::int64_t tile = config.rounding.tile, below = count / tile * tile;
  if (below == count || below + tile > std::ssize(candidates)) return below;
  const std::uint64_t lost = whole_units(candidates, below, count, config.gate.scale);
  const std::uint64_t gained = whole_units(candidates, count, below + tile, config.gate.scale);
  const float up = static_cast<float>(lost) / static_cast<float>(lost + gained);
  return std::ldexp(static_cast<float>(draw >> 8), -24) < up ? below + tile : below;
}

/// Rows above or below one count, by the rules that look at it alone.
std::int64_t rows_of_one(const Rounding& rounding, std::int64_t count, std::uint64_t draw) {
  const std::int64_t below = count - count % rounding.tile, above = below + rounding.tile;
  switch (rounding.rule) {
    case RoundingRule::down: return below;
    case RoundingRule::up: return above;
    case RoundingRule::nearest: return above - count < count - below ? above : below;
    case RoundingRule::stochastic:
      return draws_up(draw, count - below, rounding.tile) ? above : below;
    default: throw Error(ErrorKind::internal, "counts alone do not decide this rounding rule");
  }
}

}  // namespace

std::vector<std::int64_t> rounded_rows(const Rounding& rounding,
                                       const std::vector<std::int64_t>& counts, std::int64_t tokens,
                                       std::uint64_t seed) {
  std::vector<std::int64_t> rows = counts;
  if (rounding.rule == RoundingRule::none) return rows;
  std::int64_t surplus_rows = 0;  // of the experts so far, against their counts
  for (std::size_t e = 0; e < counts.size(); ++e) {
    if (counts[e] % rounding.tile == 0) continue;
    const std::int64_t below = counts[e] - counts[e] % rounding.tile;
    if (rounding.rule == RoundingRule::balance) {
      const std::int64_t if_down = surplus_rows + below - counts[e];
      rows[e] =
          std::abs(if_down + rounding.tile) < std::abs(if_down) ? below + rounding.tile : below;
    } else {
      rows[e] = rows_of_one(rounding, counts[e], draw(seed, static_cast<std::int64_t>(e)));
    }
    if (rows[e] > tokens) rows[e] = below;
    surplus_rows += rows[e] - counts[e];
  }
  return rows;
}

std::vector<std::vector<std::int32_t>> kept_tokens(const LayerConfig& config, const float* logits,
                                                   const std::int32_t* chosen, std::int64_t tokens,
                                                   std::uint64_t seed) {
  const std::int64_t num_experts = config.num_experts, top_k = config.top_k;
  std::vector<std::vector<std::int32_t>> kept(static_cast<std::size_t>(num_experts));
  for (std::int64_t pair = 0; pair < tokens * top_k; ++pair) {
    kept[chosen[pair]].push_back(static_cast<std::int32_t>(pair / top_k));
  }
  if (config.rounding.rule == RoundingRule::none) return kept;

  const bool by_scores = config.rounding.rule == RoundingRule::stochastic_score;
  std::vector<std::int64_t> rows;
  for (const auto& of_expert : kept) rows.push_back(std::ssize(of_expert));
  if (!by_scores) rows = rounded_rows(config.rounding, rows, tokens, seed);
  const std::vector<float> scores = all_scores(config, logits, chosen, tokens);
#pragma omp parallel for schedule(dynamic) if (is_worth_threads(tokens * num_experts))
  for (std::int64_t e = 0; e < num_experts; ++e) {
    std::vector<Candidate> candidates;
    for (std::int32_t t = 0; t < tokens; ++t)
      candidates.push_back({false, scores[t * num_experts + e], t});
    for (std::int32_t t : kept[e]) candidates[t].is_chosen = true;
    std::sort(candidates.begin(), candidates.end(), ranks_before);
    if (by_scores) rows[e] = rows_by_scores(config, candidates, rows[e], draw(seed, e));
    kept[e].clear();
    for (std::int64_t i = 0; i < rows[e]; ++i) kept[e].push_back(candidates[i].token);
    std::sort(kept[e].begin(), kept[e].end());
  }
  return kept;
}

}  // namespace moe::truth
