// The gate: logits to chosen experts and scores, and its gradient. All arithmetic is exact_math's,
// so the choice and the scores have the same bits on every machine.
//
//   kind            compared for the choice         score of a pair (token t, expert e)
//   topk_softmax    logit                           scale * (exp32(l - shift) / denominator)
//   softmax_topk    logit (softmax keeps the order) the same
//   sigmoid         sigmoid32(l) + b_select         scale * (sigmoid32(l) / denominator)
//
//   shift        softmax kinds: the largest logit that the denominator sums over; sigmoid: 0
//   denominator  renormalize: over the chosen experts, in the order of the choice
//                softmax_topk without it: over all experts by lane_sum32; sigmoid without it: 1
//                sigmoid sums get + 1e-20
//
// Groups (num_groups > 1): the kept_groups best groups are chosen first. A group's score is its
// best logit (softmax kinds, DeepSeek-V2) or the sum of its best two compared values (sigmoid,
// DeepSeek-V3; one when groups have one expert). Ties go to the lower group, then to the lower
// expert index. In every comparison a NaN stands for minus infinity.
#pragma once

#include <cstdint>

#include "moe/config.h"

namespace moe::routing {

struct TokenNorm {
  float shift;
  float denominator;
};

/// True where the denominator sums over the chosen experts only.
bool renormalizes(const Gate& gate);

/// Score that pair (t, e) has, or would have if it were added by rounding.
float pair_score(const LayerConfig& config, float logit, TokenNorm norm);

/// Chooses top_k experts per token, best first (by the compared value; equal values by expert
/// index). Throws Error{usage} when the kept groups have fewer than top_k experts.
///   in   logits f32 [T, E], b_select f32 [E] or null
///   out  chosen_experts i32 [T, K], chosen_scores f32 [T, K], norms [T]
void choose(const LayerConfig& config, const float* logits, const float* b_select,
            std::int64_t tokens, std::int32_t* chosen_experts, float* chosen_scores,
            TokenNorm* norms);

/// `norms` [T] of a choice that was made elsewhere, i32 [T, K] in any order, from logits f32 [T,
/// E].
void norms_of_choice(const LayerConfig& config, const float* logits,
                     const std::int32_t* chosen_experts, std::int64_t tokens, TokenNorm* norms);

/// True where gate_backward() reads all logits: softmax_topk without renormalization.
bool backward_needs_logits(const Gate& gate);
/// True where gate_backward() reads `norms`: that gate, and sigmoid with renormalization.
bool backward_needs_norms(const Gate& gate);

/// Gradient of the scores back to the logits, the choice held fixed. Added pairs get gradients; a
/// dropped pair has no score, so only the denominator it stood in reaches its logit.
struct GateBackward {
  const float* logits;                 // [T, E], or null unless backward_needs_logits
  const std::int32_t* chosen_experts;  // [T, K]
  const float* chosen_scores;          // [T, K]
  const TokenNorm* norms;              // [T], or null unless backward_needs_norms
  const std::int32_t* expert_offsets;  // [E + 1]
  const std::int32_t* token_offsets;   // [T + 1]
  const std::int32_t* token_rows;      // [rows]
  const float* row_scores;             // [rows]
  const float* d_scores;               // [rows]
};
/// Writes all of d_logits f32 [T, E].
void gate_backward(const LayerConfig& config, const GateBackward& in, std::int64_t tokens,
                   float* d_logits);

}  // namespace moe::routing
