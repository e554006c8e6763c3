// The score that any pair has or would have, from the router's logits; host and device. Bits equal
// routing::pair_score(), and those that choose() gave the chosen pairs.
#pragma once

#include <cstdint>

#include "core/exact_math.h"

namespace moe::cuda {

/// What choose() leaves for each token: routing::TokenNorm, read in one piece.
struct alignas(8) PairNorm {
  float shift, denominator;
};

/// Pointers are memory of where it is called.
struct PairScores {
  const float* logits;    // [T, E]
  const PairNorm* norms;  // [T], token_norms of choose()
  int num_experts;
  float scale;
  bool is_sigmoid;

  MOE_HOST_DEVICE float logit(std::int64_t token, int expert) const {
    return logits[token * num_experts + expert];
  }
  MOE_HOST_DEVICE float score(std::int64_t token, int expert) const {
    const PairNorm norm = norms[token];
    const float l = logit(token, expert);
    const float part = is_sigmoid ? sigmoid32(l) : exp32(l - norm.shift);
    return scale * (part / norm.denominator);
  }
};

}  // namespace moe::cuda
