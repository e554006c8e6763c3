// Gradient of the scores back to the logits; gate.h states what flows where. The formula stands
// above the class that evaluates it. Threads share out the tokens.
#include <algorithm>

#include "core/exact_math.h"
#include "routing/gate.h"

namespace moe::routing {

bool backward_needs_logits(const Gate& gate) {
  return gate.kind != GateKind::sigmoid && !renormalizes(gate);
}

bool backward_needs_norms(const Gate& gate) {
  return backward_needs_logits(gate) || (gate.kind == GateKind::sigmoid && renormalizes(gate));
}

namespace {

/// With f = exp(l - shift) or sigmoid(l), D the denominator and s_p = scale * f_p / D:
///
///   ds_p / dl_i = (f_i' / f_i) * ([i = p] s_p - [f_i is in D] (f_i / D) s_p)
///   dL / dl_i   = (f_i' / f_i) * ([i has a row] g_i s_i - [f_i is in D] (f_i / D) sum_p g_p s_p)
///
/// where f' / f is 1 for exp and 1 - f for the sigmoid, f_i = s_i D / scale, and p are the token's
/// rows. Shifts cancel. Rows and denominator are two passes because rounding lets them differ.
class TokenGradient {
 public:
  TokenGradient(const LayerConfig& config, const GateBackward& in, std::int64_t token)
      : config_(config),
        in_(in),
        token_(token),
        denominator_(backward_needs_norms(config.gate) ? in.norms[token].denominator : 1.0f) {}

  void write(float* d_logits) const {
    const float total = weighted_total();
    const Gate& gate = config_.gate;
    if (backward_needs_logits(gate)) {
      const float* logits = in_.logits + token_ * config_.num_experts;
      const float shift = in_.norms[token_].shift;
      for (std::int64_t e = 0; e < config_.num_experts; ++e) {
        d_logits[e] = -(exp32(logits[e] - shift) / denominator_) * total;
      }
    } else {
      std::fill(d_logits, d_logits + config_.num_experts, 0.0f);
    }
    if (renormalizes(gate)) subtract_shares_of_chosen(total, d_logits);
    add_rows(d_logits);
  }

 private:
  float weighted_total() const {
    float total = 0.0f;
    for (std::int64_t i = in_.token_offsets[token_]; i < in_.token_offsets[token_ + 1]; ++i) {
      const std::int32_t row = in_.token_rows[i];
      total += in_.d_scores[row] * in_.row_scores[row];
    }
    return total;
  }

  void subtract_shares_of_chosen(float total, float* d_logits) const {
    const std::int64_t first = token_ * config_.top_k;
    for (std::int64_t pair = first; pair < first + config_.top_k; ++pair) {
      const float score = in_.chosen_scores[pair];
      d_logits[in_.chosen_experts[pair]] -= slope(score) * (score / config_.gate.scale) * total;
    }
  }

  void add_rows(float* d_logits) const {
    const std::int32_t* offsets_end = in_.expert_offsets + config_.num_experts + 1;
    const std::int32_t* next = in_.expert_offsets;  // rows of a token ascend, so experts do
    for (std::int64_t i = in_.token_offsets[token_]; i < in_.token_offsets[token_ + 1]; ++i) {
      const std::int32_t row = in_.token_rows[i];
      next = std::upper_bound(next, offsets_end, row);
      const std::int64_t expert = next - in_.expert_offsets - 1;
      const float score = in_.row_scores[row];
      d_logits[expert] += slope(score) * in_.d_scores[row] * score;
    }
  }

  /// f' / f
  float slope(float score) const {
    if (config_.gate.kind != GateKind::sigmoid) return 1.0f;
    return 1.0f - score * denominator_ / config_.gate.scale;
  }

  const LayerConfig& config_;
  const GateBackward& in_;
  std::int64_t token_;
  float denominator_;
};

}  // namespace

void gate_backward(const LayerConfig& config, const GateBackward& in, std::int64_t tokens,
                   float* d_logits) {
#pragma omp parallel for schedule(static)
  for (std::int64_t t = 0; t < tokens; ++t) {
    TokenGradient(config, in, t).write(d_logits + t * config.num_experts);
  }
}

}  // namespace moe::routing
