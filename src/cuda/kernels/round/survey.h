// The survey of a chunk: how good the best pair of an expert is among those that did not choose it,
// by logarithm. choose() makes it while the chunk's logits are at hand, so that rounding need not
// read T E of them again.
#pragma once

#include <cstdint>

#include "cuda/kernels/permute/build_rows.h"
#include "cuda/kernels/round/rank.h"
#include "cuda/tile/team.h"

namespace moe::cuda {

/// Bits of a chunk that are tokens.
MOE_TEAM std::uint32_t tokens_of_chunk(int chunk, int tokens) {
  const int count = tokens - chunk * kChunkTokens;
  return count >= kChunkTokens ? ~0u : (1u << count) - 1;
}

/// Calls use(index, log_score) for every pair of a chunk and an expert. Several loads are under way
/// at once; behind the last token the last one is repeated.
template <class Use>
MOE_TEAM void each_log(const PairScores& scores, int chunk, int tokens, int expert, Use use) {
  constexpr int kInFlight = 8;
  for (int first = 0; first < kChunkTokens; first += kInFlight) {
    float logits[kInFlight];
    PairNorm norms[kInFlight];
    MOE_UNROLL
    for (int i = 0; i < kInFlight; ++i) {
      const int wanted = chunk * kChunkTokens + first + i;
      const int token = wanted < tokens ? wanted : tokens - 1;
      logits[i] = scores.logit(token, expert);
      norms[i] = scores.norms[token];
    }
    MOE_UNROLL
    for (int i = 0; i < kInFlight; ++i) {
      use(first + i, log_score(scores, logits[i], norms[i]));
    }
  }
}

/// The greatest log_score among the pairs of a chunk whose bit in `chosen` is clear; kNoLog where
/// there is none, never NaN.
MOE_TEAM float best_unchosen(const PairScores& scores, std::uint32_t chosen, int chunk, int tokens,
                             int expert) {
  const std::uint32_t unchosen = ~chosen & tokens_of_chunk(chunk, tokens);
  float best = kNoLog;
  each_log(scores, chunk, tokens, expert, [&](int i, float log) {
    if ((unchosen >> i & 1) != 0 && log > best) best = log;
  });
  return best;
}

}  // namespace moe::cuda
