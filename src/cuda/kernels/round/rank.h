// How the pairs of one expert compare, host and device: exactly by keys, and nearly by logarithms,
// which cost a tenth and tell which pairs need no key.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "cuda/kernels/router/pair_score.h"

namespace moe::cuda {

using RankKey = std::uint64_t;

inline constexpr float kNoLog = -std::numeric_limits<float>::infinity();

MOE_HOST_DEVICE inline std::uint32_t bits_of(float value) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(value);
#else
  return std::bit_cast<std::uint32_t>(value);
#endif
}

/// Greater is better: by score, then by lower token; NaN ranks as 0. No two pairs of an expert have
/// the same key. The score's 31 bits are topmost, so that the first 8 are its exponent.
MOE_HOST_DEVICE inline RankKey rank_key(float score, std::uint32_t token) {
  return RankKey{score > 0.0f ? bits_of(score) : 0u} << 33 | ~token;
}

MOE_HOST_DEVICE inline std::uint32_t token_of(RankKey key) {
  return ~static_cast<std::uint32_t>(key);
}

MOE_HOST_DEVICE inline float score_of(RankKey key) {
  return float_of_bits(static_cast<std::uint32_t>(key >> 33));
}

/// A logarithm as a key, equal ones apart by index.
MOE_HOST_DEVICE inline RankKey log_key(float log, std::uint32_t index) {
  const std::uint32_t bits = bits_of(log + 0.0f);  // + 0: -0 becomes 0
  return RankKey{bits >> 31 ? ~bits : bits | 0x80000000u} << 32 | ~index;
}

MOE_HOST_DEVICE inline float log_of(RankKey key) {
  const auto bits = static_cast<std::uint32_t>(key >> 32);
  return float_of_bits(bits >> 31 ? bits & 0x7fffffffu : ~bits);
}

MOE_HOST_DEVICE inline float quick_log(float x) {
#if defined(__CUDA_ARCH__)
  return __logf(x);
#else
  return std::log(x);
#endif
}

MOE_HOST_DEVICE inline float quick_exp(float x) {
#if defined(__CUDA_ARCH__)
  return __expf(x);
#else
  return std::exp(x);
#endif
}

/// What the logarithms of a token's scores share.
struct NormLog {
  float shift, share;
};
MOE_HOST_DEVICE inline NormLog norm_log(const PairScores& scores, PairNorm norm) {
  return {norm.shift, quick_log(scores.scale) - quick_log(norm.denominator)};
}

/// ln of the pair's score, at most kLogError away from it wherever one of the two is within
/// kLogRange of 0; kNoLog for a score of 0, NaN where the score is. exp32 and sigmoid32 end at
/// these arguments.
inline constexpr float kLogError = 1e-3f, kLogRange = 80.0f;
MOE_HOST_DEVICE inline float log_score(bool is_sigmoid, float logit, NormLog norm) {
  constexpr float kExpLowest = -87.3f, kExpHighest = 88.3f;
  const float x = is_sigmoid ? -logit : logit - norm.shift;
  const float bounded = x > kExpHighest ? kExpHighest : x;
  if (is_sigmoid) return norm.share - quick_log(1.0f + quick_exp(bounded));
  return x < kExpLowest ? kNoLog : norm.share + bounded;
}

/// Some pairs of an expert, `count` or more, have a log_score of `log`. Pairs with log_score below
/// the result have lower scores than the best `count`.
MOE_HOST_DEVICE inline float log_bound(float log) {
  return log > -kLogRange && log < kLogRange ? log - 2 * kLogError : kNoLog;
}

}  // namespace moe::cuda
