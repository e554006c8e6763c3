// Contract of SonicMoE's activation gradient: one kernel gathers dO, multiplies by W_down, and from
// H recomputes A, reduces dS and forms dH and A'.
//
//   dA' = dO[row_tokens] W_down[e]                 (in registers only)
//   A   = silu(gate) * up,  dS = <dA', A>,  A' = s A,  dH = d(SwiGLU) s dA'
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace moe::cuda {

struct DActProblem {
  const void* d_out;        // [T, d]
  const int* row_tokens;    // [rows]
  const float* row_scores;  // [rows]
  const void* w_down;       // [E, d, n]
  const void* h;            // [rows, 2, n]
  void* d_h;                // [rows, 2, n]; may be h
  void* a_scaled;           // [rows, n]
  float* d_score_parts;  // [d_score_part_count(n), rows]: sums over column tiles, in the order of
                         // columns
  std::int64_t rows;     // stride of d_score_parts
  const int* expert_offsets;  // [E + 1], device memory
  int num_experts, n, d;
  unsigned* turns = nullptr;  // scratch of keeps_in_step()
};

/// Columns that one tile sums; every column tile leaves a part of each row's dS.
inline constexpr int kDScoreColumns = 256;
constexpr int d_score_part_count(int n) {
  return (n + kDScoreColumns - 1) / kDScoreColumns;
}

enum class DActTile { n256, n256_pair };

void d_act_swiglu(const DActProblem& problem, DActTile tile, int num_multiprocessors,
                  cudaStream_t stream);

}  // namespace moe::cuda
