// Contract of the aggregation's gradient, for every row r of the routing:
//
//   d_y[r]      = scores[r] * d_out[row_tokens[r]]
//   d_scores[r] = <d_out[row_tokens[r]], y[r]>          summed in float32, always in the same order
//
// Where every token is a row of its own, d_y may lie on d_out.
// Only rows below expert_offsets[E] are read or written, or max_rows of them where the host knows
// their number.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/dtype.h"

namespace moe::cuda {

struct CombineBackwardProblem {
  const void* d_out;          // [T, d]
  const void* y;              // [rows, d]
  const int* row_tokens;      // [rows]; null: row r is token r
  const int* token_rows;      // [rows]: the rows of token 0, of token 1, ...; null: row after row
  const float* row_scores;    // [rows]
  void* d_y;                  // [rows, d]
  float* d_scores;            // [rows]
  const int* expert_offsets;  // [E + 1], device memory; null: there are max_rows rows
  int num_experts;
  std::int64_t max_rows;  // at least expert_offsets[E]; bounds the grid
  DType dtype;            // of d_out, y and d_y: bf16, f16 or f32
  int d;                  // a multiple of 8
};

void combine_backward(const CombineBackwardProblem& problem, cudaStream_t stream);

}  // namespace moe::cuda
