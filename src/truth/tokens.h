// Whole tokens through the layer in double: out, d_x and the gradients of their scores.
#pragma once

#include <cstdint>
#include <vector>

#include "truth/problem.h"
#include "truth/router.h"

namespace moe::truth {

struct TokenValues {
  std::vector<double> out;  // [d]
  std::vector<double> d_x;  // [d]: through experts, router and shared expert; empty without d_out
  std::vector<double>
      d_scores;  // per row of the token, in the order of token_rows; empty without d_out
};

/// Values of the listed tokens, in their order. Work: tokens * K * d * n, spread over threads.
std::vector<TokenValues> token_values(const Problem& problem, const RoutedRows& routed,
                                      const std::vector<std::int64_t>& tokens);

}  // namespace moe::truth
