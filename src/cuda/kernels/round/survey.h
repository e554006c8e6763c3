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

/// Calls use(i, log_score) for the pairs of `expert` and the kCount tokens from `first` on, whose
/// logits are all asked for before one is used; norm_of(i) is the NormLog of the i-th. Behind the
/// last token the last one is repeated.
template <int kCount, class NormOf, class Use>
MOE_TEAM void each_log(const PairScores& scores, int first, int tokens, int expert, NormOf norm_of,
                       Use use) {
  float logits[kCount];
  MOE_UNROLL
  for (int i = 0; i < kCount; ++i) {
    logits[i] = scores.logit(first + i < tokens ? first + i : tokens - 1, expert);
  }
  MOE_UNROLL
  for (int i = 0; i < kCount; ++i) {
    use(i, log_score(scores.is_sigmoid, logits[i], norm_of(i)));
  }
}

/// The greatest log_score among the pairs of a chunk whose bit in `chosen` is clear; kNoLog where
/// there is none, never NaN. norms[i] is the NormLog of the chunk's i-th token.
MOE_TEAM float best_unchosen(const PairScores& scores, const NormLog* norms, std::uint32_t chosen,
                             int chunk, int tokens, int expert) {
  const std::uint32_t unchosen = ~chosen & tokens_of_chunk(chunk, tokens);
  constexpr int kInFlight = 16;
  float best = kNoLog;
  for (int part = 0; part < kChunkTokens; part += kInFlight) {
    const auto norm_of = [&](int i) { return norms[part + i]; };
    each_log<kInFlight>(scores, chunk * kChunkTokens + part, tokens, expert, norm_of,
                        [&](int i, float log) {
                          if ((unchosen >> (part + i) & 1) != 0 && log > best) best = log;
                        });
  }
  return best;
}

}  // namespace moe::cuda
