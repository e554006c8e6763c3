// Scores and their gradient in double. One formula serves every gate:
//
//   s_e = scale * v_e / D,  D = sum of v_i over the experts in the denominator
//   ds_e/dl_i = scale * ([i = e] v'_e / D - [i in D] v_e v'_i / D^2)
//
// with v = exp(l), v' = v for softmax and v = sigmoid(l), v' = v (1 - v) for sigmoid.
#include <algorithm>
#include <cmath>

#include "truth/router.h"

namespace moe::truth {
namespace {

struct GateState {
  std::vector<double> value, slope;  // [E] v and v'
  std::vector<bool> is_summed;       // [E] in the denominator
  double denominator = 0;
};

/// Experts that the denominator sums over: the chosen ones, all, or none (a sigmoid stands alone).
std::vector<bool> summed_experts(const LayerConfig& config, const std::int32_t* chosen) {
  const bool sums_chosen = config.gate.renormalize || config.gate.kind == GateKind::topk_softmax;
  const bool sums_all = !sums_chosen && config.gate.kind == GateKind::softmax_topk;
  std::vector<bool> summed(static_cast<std::size_t>(config.num_experts), sums_all);
  for (std::int64_t k = 0; sums_chosen && k < config.top_k; ++k) summed[chosen[k]] = true;
  return summed;
}

GateState gate_state(const LayerConfig& config, const double* logits, const std::int32_t* chosen) {
  const std::int64_t num_experts = config.num_experts;
  const bool is_sigmoid = config.gate.kind == GateKind::sigmoid;
  GateState state{std::vector<double>(num_experts), std::vector<double>(num_experts),
                  summed_experts(config, chosen), 0};
  double shift = 0;  // keeps exp() in range; it cancels
  if (!is_sigmoid) shift = *std::max_element(logits, logits + num_experts);
  bool sums_any = false;
  for (std::int64_t e = 0; e < num_experts; ++e) {
    const double v = is_sigmoid ? 1 / (1 + std::exp(-logits[e])) : std::exp(logits[e] - shift);
    state.value[e] = v;
    state.slope[e] = is_sigmoid ? v * (1 - v) : v;
    if (!state.is_summed[e]) continue;
    state.denominator += v;
    sums_any = true;
  }
  if (is_sigmoid) state.denominator += sums_any ? 1e-20 : 1;
  return state;
}

}  // namespace

std::vector<double> token_scores(const LayerConfig& config, const double* logits,
                                 const std::int32_t* chosen) {
  GateState state = gate_state(config, logits, chosen);
  for (double& value : state.value) value *= config.gate.scale / state.denominator;
  return state.value;
}

std::vector<double> token_d_logits(const LayerConfig& config, const RoutedRows& routed,
                                   std::int64_t token, const double* d_scores) {
  const GateState state = gate_state(config, &routed.logits[token * config.num_experts],
                                     &routed.chosen_experts[token * config.top_k]);
  const double factor = config.gate.scale / state.denominator;
  std::vector<double> d_logits(static_cast<std::size_t>(config.num_experts), 0);
  double d_denominator = 0;
  for (std::int32_t i = routed.token_offsets[token]; i < routed.token_offsets[token + 1]; ++i) {
    const std::int32_t e = routed.row_experts[routed.token_rows[i]];
    const double d_score = d_scores[i - routed.token_offsets[token]];
    d_logits[e] += d_score * factor * state.slope[e];
    d_denominator -= d_score * factor * state.value[e] / state.denominator;
  }
  for (std::int64_t i = 0; i < config.num_experts; ++i) {
    if (state.is_summed[i]) d_logits[i] += d_denominator * state.slope[i];
  }
  return d_logits;
}

}  // namespace moe::truth
