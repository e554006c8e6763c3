// Contract of token rounding (arXiv 2512.14080, section 5) on the device: from the chunk masks of
// the choice to the cells of the rounded routing.
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

/// Scratch of round_masks(), aligned to 4 bytes. It begins with f32 [num_chunks(T), E] that
/// choose() fills: ChooseProblem::best_logs.
constexpr std::size_t round_scratch_bytes(std::int64_t tokens, std::int64_t num_experts) {
  const std::int64_t words = 2 * num_chunks(tokens) * num_experts + num_experts;
  return static_cast<std::size_t>(words) * sizeof(std::uint32_t);
}

/// All pointers are device memory.
struct RoundProblem {
  PairScores scores;
  Rounding rounding;           // any rule but none, any tile
  std::uint64_t seed;          // of the stochastic rules
  std::byte* permute_scratch;  // its chunk masks filled
  std::byte* scratch;          // round_scratch_bytes(), its best_logs filled where the rule may add
  std::int64_t tokens;
};

/// Rounds the chunk masks and scans the result, which build_ragged_rows() reads as cells and
/// totals; the masks stay those of the choice. At most kMaxExperts experts. One launch, two for
/// `balance`. A graph keeps the seed that it was captured with.
void round_masks(const RoundProblem& problem, cudaStream_t stream);

}  // namespace moe::cuda
