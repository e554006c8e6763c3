// What the tests of this room share: seeded logits, the gates worth trying, a choice that owns its
// arrays, and rows that own theirs.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/random.h"
#include "moe/config.h"
#include "routing/gate.h"
#include "routing/rows.h"

namespace moe::routing {

inline LayerConfig layer(std::int64_t num_experts, std::int64_t top_k, Gate gate = {}) {
  LayerConfig config;
  config.num_experts = num_experts;
  config.top_k = top_k;
  config.gate = gate;
  return config;
}

/// Every kind, with and without renormalisation, with a scale that is not 1.
inline std::vector<Gate> all_gates(std::int64_t num_groups = 1, std::int64_t kept_groups = 1) {
  std::vector<Gate> gates;
  for (GateKind kind : {GateKind::topk_softmax, GateKind::softmax_topk, GateKind::sigmoid}) {
    for (bool renormalize : {true, false}) {
      const bool biased = kind == GateKind::sigmoid;
      gates.push_back({kind, renormalize, biased, num_groups, kept_groups, 2.5f});
    }
  }
  return gates;
}

inline std::string describe(const LayerConfig& config, std::int64_t tokens) {
  return std::string(name_of(config.gate.kind)) + (config.gate.renormalize ? " renormalized" : "") +
         " T=" + std::to_string(tokens) + " E=" + std::to_string(config.num_experts) +
         " K=" + std::to_string(config.top_k) + " G=" + std::to_string(config.gate.num_groups) +
         "/" + std::to_string(config.gate.kept_groups) + " " +
         std::string(name_of(config.rounding.rule)) +
         " tile=" + std::to_string(config.rounding.tile);
}

/// `step` > 0 rounds the numbers to its multiples, which makes ties.
inline std::vector<float> seeded(std::int64_t count, std::uint64_t seed, float deviation = 1.0f,
                                 float step = 0.0f) {
  std::vector<float> values(count);
  for (std::int64_t i = 0; i < count; ++i) {
    values[i] = deviation * random_normal(seed, RandomStream::tests, i);
    if (step > 0) values[i] = step * std::round(values[i] / step);
  }
  return values;
}

struct Choice {
  std::vector<std::int32_t> experts;
  std::vector<float> scores;
  std::vector<TokenNorm> norms;
};

inline Choice choose(const LayerConfig& config, const std::vector<float>& logits,
                     const std::vector<float>& b_select = {}) {
  const std::int64_t tokens = std::ssize(logits) / config.num_experts;
  Choice choice{std::vector<std::int32_t>(tokens * config.top_k),
                std::vector<float>(tokens * config.top_k), std::vector<TokenNorm>(tokens)};
  choose(config, logits.data(), b_select.empty() ? nullptr : b_select.data(), tokens,
         choice.experts.data(), choice.scores.data(), choice.norms.data());
  return choice;
}

struct RowArrays {
  std::vector<std::int32_t> offsets, tokens;
  std::vector<float> scores;

  RowArrays(std::int64_t num_experts, std::int64_t max_rows)
      : offsets(num_experts + 1), tokens(max_rows), scores(max_rows) {}
  Rows view() { return {offsets.data(), tokens.data(), scores.data()}; }
  /// Only what counts: entries past the last row are scratch.
  void trim() {
    tokens.resize(offsets.back());
    scores.resize(offsets.back());
  }
  std::int64_t count(std::int64_t expert) const { return offsets[expert + 1] - offsets[expert]; }
};

inline RowArrays rows_of(const LayerConfig& config, const Choice& choice) {
  RowArrays rows(config.num_experts, std::ssize(choice.experts));
  build_rows(config, choice.experts.data(), choice.scores.data(), std::ssize(choice.norms),
             rows.view());
  return rows;
}

}  // namespace moe::routing
