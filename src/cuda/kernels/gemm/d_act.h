// Contract of SonicMoE's activation gradient: one kernel gathers dO, multiplies by W_down, and from
// H recomputes A, reduces dS and forms dH and A'.
//
//   dA' = dO[row_tokens] W_down[e]                 (in registers only)
//   A   = f(gate) * up or f(H),  dS = <dA', A>,  A' = s A,  dH = s dA' dA/dH
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/config.h"

namespace moe::cuda {

struct DActProblem {
  const void* d_out;        // [T, d]
  const int* row_tokens;    // [rows]
  const float* row_scores;  // [rows]
  const void* w_down;       // [E, d, n]
  const void* h;            // [rows, p, n]; p = 2 when gated, gate first, else 1
  void* d_h;                // [rows, p, n]; may be h
  void* a_scaled;           // [rows, n]
  float* d_score_parts;  // [d_score_part_count(n), rows]: sums over column tiles, in the order of
                         // columns
  std::int64_t rows;     // stride of d_score_parts
  const int* expert_offsets;  // [E + 1], device memory
  int num_experts, n, d;
  Activation activation = Activation::swiglu;
  unsigned* turns = nullptr;  // one counter; CTAs keep in step where given
  DType dtype = DType::bf16;  // of all tensors but the scores: bf16 or f16
};

/// Columns that one tile sums; every column tile leaves a part of each row's dS.
inline constexpr int kDScoreColumns = 256;
constexpr int d_score_part_count(int n) {
  return (n + kDScoreColumns - 1) / kDScoreColumns;
}

enum class DActTile { n256, n256_pair };

/// `tile` is a choice for SwiGLU in bf16; the other activations and f16 have n256_pair.
void d_act(const DActProblem& problem, DActTile tile, int num_multiprocessors, cudaStream_t stream);

}  // namespace moe::cuda
