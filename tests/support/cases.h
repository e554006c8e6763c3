// The one list of layer shapes that correctness tests run: each is there for a reason, said by its
// name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moe/config.h"
#include "routing/traffic.h"

namespace moe::tests {

struct Case {
  std::string name;
  LayerConfig config;
  std::int64_t tokens = 0;
  routing::Traffic traffic;
};

inline LayerConfig layer(std::int64_t hidden_dim, std::int64_t ffn_dim, std::int64_t num_experts,
                         std::int64_t top_k) {
  LayerConfig config;
  config.hidden_dim = hidden_dim;
  config.ffn_dim = ffn_dim;
  config.num_experts = num_experts;
  config.top_k = top_k;
  return config;
}

/// Shapes that break implementations.
inline std::vector<Case> awkward_cases() {
  using routing::TrafficKind;
  return {
      {"ordinary", layer(32, 24, 8, 2), 96, {}},
      {"one_expert", layer(16, 8, 1, 1), 40, {}},
      {"top_k_is_num_experts", layer(16, 8, 4, 4), 33, {}},
      {"empty_experts", layer(16, 24, 12, 2), 50, {.kind = TrafficKind::hot, .hot_experts = 2}},
      {"all_tokens_on_one_expert",
       layer(24, 16, 8, 1),
       70,
       {.kind = TrafficKind::hot, .hot_experts = 1}},
      {"one_token", layer(16, 8, 8, 2), 1, {}},
      {"odd_sizes", layer(37, 29, 5, 3), 101, {}},
      {"more_experts_than_tokens", layer(16, 8, 40, 2), 9, {}},
      {"skewed", layer(24, 40, 16, 4), 120, {.kind = TrafficKind::zipf, .exponent = 1.2}},
  };
}

inline Case in(DType dtype, Case test) {
  test.config.dtype = dtype;
  return test;
}

struct NamedGate {
  std::string name;
  Gate gate;
};

/// One of each family; groups only where the number of experts allows two.
inline std::vector<NamedGate> gates_for(const LayerConfig& config) {
  std::vector<NamedGate> gates = {
      {"topk_softmax", {.kind = GateKind::topk_softmax}},
      {"softmax_topk", {.kind = GateKind::softmax_topk, .renormalize = false}},
      {"softmax_topk_renormalized", {.kind = GateKind::softmax_topk}},
      {"sigmoid", {.kind = GateKind::sigmoid, .renormalize = false}},
      {"sigmoid_bias", {.kind = GateKind::sigmoid, .selection_bias = true, .scale = 2.5f}},
  };
  const bool has_groups = config.num_experts % 4 == 0 && config.top_k <= config.num_experts / 2;
  if (has_groups) {
    gates.push_back({"deepseek_v2",
                     {.kind = GateKind::softmax_topk,
                      .renormalize = false,
                      .num_groups = 4,
                      .kept_groups = 2,
                      .scale = 16.0f}});
    gates.push_back({"deepseek_v3",
                     {.kind = GateKind::sigmoid,
                      .selection_bias = true,
                      .num_groups = 4,
                      .kept_groups = 2,
                      .scale = 2.5f}});
  }
  return gates;
}

inline std::vector<Rounding> roundings() {
  return {{},
          {.rule = RoundingRule::nearest, .tile = 8},
          {.rule = RoundingRule::up, .tile = 16},
          {.rule = RoundingRule::down, .tile = 8}};
}

/// The rules that look at more than one expert's count: at a seed, at scores, at all counts.
inline std::vector<Rounding> seeded_roundings() {
  return {{.rule = RoundingRule::stochastic, .tile = 8},
          {.rule = RoundingRule::stochastic_score, .tile = 8},
          {.rule = RoundingRule::balance, .tile = 16}};
}

}  // namespace moe::tests
