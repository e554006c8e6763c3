// Contract of the gate's gradient on the device: scores back to logits, the choice held fixed.
// routing/gate.h says what flows where; bits equal routing::gate_backward().
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/config.h"

namespace moe::cuda {

/// All pointers are device memory. Limits: kMaxExperts and kMaxTopK of choose.h.
struct GateBackwardProblem {
  const float* logits;                 // [T, E]; null unless softmax_topk without renormalization
  const std::int32_t* chosen_experts;  // [T, K]
  const float* chosen_scores;          // [T, K]
  const float* token_norms;            // [T, 2]; null unless as `logits`, or renormalized sigmoid
  const std::int32_t* expert_offsets;  // [E + 1]
  const std::int32_t* token_offsets;   // [T + 1]
  const std::int32_t* token_rows;      // [rows]
  const float* row_scores;             // [rows]
  const float* d_scores;               // [rows]
  std::int64_t tokens;
};

/// Writes all of d_logits [T, E], zeros too. Element: float, or bfloat16 or float16
/// rounded to nearest even.
template <class Element>
void gate_backward(const LayerConfig& config, const GateBackwardProblem& problem, Element* d_logits,
                   cudaStream_t stream);

}  // namespace moe::cuda
