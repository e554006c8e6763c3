// Contract of the router's choice: from logits to chosen experts and scores, all gates of
// moe::Gate, with the expert histogram on the way. Bits equal routing::choose() (routing/gate.h
// states the arithmetic), a NaN result being any NaN.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/config.h"

namespace moe::cuda {

// One lane of a warp per slot of 32 experts, per chosen expert and per group.
inline constexpr int kMaxExperts = 1024;
inline constexpr int kMaxTopK = 32;
inline constexpr int kMaxGroups = 32;

/// All pointers are device memory.
struct ChooseProblem {
  float* logits;                 // [T, E]
  const float* logit_offsets;    // [T, E], added to `logits` in place first; or null
  const float* b_select;         // [E], or null
  std::int32_t* chosen_experts;  // [T, K], best first; equal values by expert index
  float* chosen_scores;          // [T, K]
  float* token_norms;            // [T, 2] shift and denominator as routing::TokenNorm; or null
  std::uint32_t* chunk_masks;    // [num_chunks(T), E], see permute/build_rows.h
  std::int64_t tokens;
  float* best_logs = nullptr;  // [num_chunks(T), E] of round/survey.h, needs token_norms; or null
};

/// Writes all outputs. Throws Error{usage} when the gate is beyond the limits above or has fewer
/// than top_k experts to choose from.
void choose(const LayerConfig& config, const ChooseProblem& problem, cudaStream_t stream);

}  // namespace moe::cuda
