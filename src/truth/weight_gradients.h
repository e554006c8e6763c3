// Gradients of weights in double, sampled: each value is reduced over all tokens that contribute to
// it.
//
// The unit of an MLP is the channel: hidden unit i of the ffn, with its row of gate weights, its
// row of up weights and its column of down weights. Their gradients cost little more together than
// one entry alone.
#pragma once

#include <cstdint>
#include <vector>

#include "truth/problem.h"
#include "truth/router.h"

namespace moe::truth {

inline constexpr std::int64_t kSharedExpert = -1;

struct Channel {
  std::int64_t expert = 0;  // or kSharedExpert
  std::int64_t index = 0;   // in [0, n)
};

struct ChannelGradient {
  std::vector<double> gate;      // [d] of d_w_up's gate row; empty when the activation is not gated
  std::vector<double> up;        // [d] of d_w_up's up row
  std::vector<double> down;      // [d] d_w_down(e, :, i)
  double gate_bias = 0;          // of d_b_up, when gated
  double up_bias = 0;            // of d_b_up
  double square_bias_terms = 0;  // sum of the squares of all that the two add up
};

/// Gradients of the listed channels, in their order. Work of one: rows(expert) * d.
std::vector<ChannelGradient> channel_gradients(const Problem& problem, const RoutedRows& routed,
                                               const std::vector<Channel>& channels);

/// d_b_down(e, :) of one expert, [d]: the sum of what its rows take of d_out.
std::vector<double> down_bias_gradient(const Problem& problem, const RoutedRows& routed,
                                       std::int64_t expert);

struct RouterGradient {
  std::vector<double> row;  // [d] d_w_router(e, :)
  std::vector<double>
      terms;  // [d] sum of score * d_score * x over the expert's rows: what float32 sums round
  double bias = 0;               // d_b_router(e)
  double square_bias_terms = 0;  // sum of the squares of what it adds up
};

/// Gradients of the listed experts' rows of w_router and b_router, by the gradients d_scores [rows]
/// of all scores. Where one expert has nearly all of a token's score, `row` is a small rest of
/// `terms`, or 0.
std::vector<RouterGradient> router_gradients(const Problem& problem, const RoutedRows& routed,
                                             const std::vector<double>& d_scores,
                                             const std::vector<std::int64_t>& experts);

/// d_w_shared_gate [d]. Work: T * d * n_shared, for the output of every token is needed.
std::vector<double> shared_gate_gradient(const Problem& problem);

}  // namespace moe::truth
