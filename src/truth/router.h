// The router in double: logits, the choice of experts, token rounding, scores and the gate's
// gradient.
//
// The choice and the ranking by rounding compare float32 values whose every bit routing/gate.h
// defines, so both are exact here; they are found by sorting everything. Scores and gradients are
// plain double.
#pragma once

#include <cstdint>
#include <vector>

#include "truth/problem.h"

namespace moe::truth {

/// Routed pairs as rows sorted by expert, then token, with what the gate's gradient needs.
struct RoutedRows {
  std::vector<double> logits;                // [T, E]; empty when the routing was given
  std::vector<std::int32_t> chosen_experts;  // [T, K], best first; empty when the routing was given
  std::vector<std::int32_t> expert_offsets;  // [E + 1]
  std::vector<std::int32_t> row_tokens;      // [rows]
  std::vector<std::int32_t> row_experts;     // [rows]
  std::vector<double> row_scores;            // [rows]
  std::vector<std::int32_t> token_offsets;   // [T + 1]
  std::vector<std::int32_t> token_rows;      // [rows], ascending inside a token

  bool given() const { return chosen_experts.empty(); }
};

/// Logits of one token, with the offsets of synthetic traffic: [E].
std::vector<double> token_logits(const Problem& problem, std::int64_t token);

/// Experts chosen for one token, best first: [K]. logits f32 [E], finite; b_select f32 [E] or null.
std::vector<std::int32_t> choose(const LayerConfig& config, const float* logits,
                                 const float* b_select);

/// Scores that all experts have, or would have, for a token with these logits [E] and choice [K]:
/// [E].
std::vector<double> token_scores(const LayerConfig& config, const double* logits,
                                 const std::int32_t* chosen);

/// Whether a choice i32 [K] could be that of a top-k which breaks ties as it likes and rounds what
/// it compares in its own way: different experts, with the exact choice's values place by place but
/// for 1e-6, relative above 1. Groups that tie within it may stand for each other. Pointers are to
/// the token's own rows.
bool is_nearly_chosen(const LayerConfig& config, const float* logits, const float* b_select,
                      const std::int32_t* choice);

/// Choice and rounding, exact, and scores in double. logits f32 [T, E], finite; b_select f32 [E] or
/// null; the seed is that of the stochastic rounding rules. `choice` i32 [T, K] or null: a
/// framework's, taken for the tokens where is_nearly_chosen() allows it.
RoutedRows route(const LayerConfig& config, const float* logits, const float* b_select,
                 std::int64_t tokens, std::uint64_t rounding_seed = 0,
                 const std::int32_t* choice = nullptr);

/// The same pairs with scores by other logits [T, E]: the router as a function of its inputs,
/// choice fixed.
void replace_logits(const LayerConfig& config, std::vector<double> logits, RoutedRows& routed);

/// A routing that the caller brought. expert_offsets [E + 1]; row_tokens, row_scores [rows].
RoutedRows given_rows(const std::int32_t* expert_offsets, const std::int32_t* row_tokens,
                      const float* row_scores, std::int64_t num_experts, std::int64_t tokens);

/// Scores of the choice before rounding: [T, K].
std::vector<double> chosen_scores(const LayerConfig& config, const RoutedRows& routed);

/// The same rows and choice, with scores that differ by at most this norm-relative error.
bool routes_alike(const RoutedRows& a, const RoutedRows& b, double tolerance);

/// Gradient of one token's logits [E], the choice fixed, from those of its scores, in the order of
/// its token_rows. Added pairs use the denominator without being in it; dropped pairs stay in it.
std::vector<double> token_d_logits(const LayerConfig& config, const RoutedRows& routed,
                                   std::int64_t token, const double* d_scores);

}  // namespace moe::truth
