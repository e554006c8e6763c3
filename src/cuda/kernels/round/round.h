// Contract of token rounding (arXiv 2512.14080, section 5) on the device: the chunk masks of the
// choice become those of the rounded routing.
//
// A chunk mask (permute/build_rows.h) says which of 32 tokens an expert has, so the masks alone are
// the routing: rounding clears and sets bits, and rows are built from what is left. Bits equal
// routing::build_rounded_rows(), whose rules, ties and random numbers these are.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "cuda/kernels/permute/build_rows.h"
#include "cuda/kernels/router/pair_score.h"
#include "moe/config.h"

namespace moe::cuda {

/// Scratch of round_masks(), aligned to 4 bytes.
constexpr std::size_t round_scratch_bytes(std::int64_t tokens, std::int64_t num_experts) {
  const std::int64_t words = 2 * num_chunks(tokens) * num_experts + num_experts;
  return static_cast<std::size_t>(words) * sizeof(std::uint32_t);
}

/// All pointers are device memory.
struct RoundProblem {
  PairScores scores;
  Rounding rounding;           // any rule, any tile
  std::uint64_t seed;          // of the stochastic rules
  std::uint32_t* chunk_masks;  // [num_chunks(T), E], in place
  std::byte* scratch;          // round_scratch_bytes()
  std::int64_t tokens;
};

/// At most kMaxExperts experts. One launch for `down`, three for `balance`, else two; none without
/// tokens. A graph keeps the seed that it was captured with.
void round_masks(const RoundProblem& problem, cudaStream_t stream);

}  // namespace moe::cuda
