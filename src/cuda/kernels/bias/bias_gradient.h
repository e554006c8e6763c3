// Contract of a bias's gradient: the sum of each expert's rows. On the way each row may be
// multiplied with the bias, which is that bias's part of the gradient of the row's score.
//
//   d_bias[e] = sum over the rows r of expert e of scale[r] * row r           or added to d_bias
//   sum over parts of dots[part][r] = <row r, bias[e]>
//
// Rows are summed in float32, in an order that depends on the shape alone. Rows that are no
// expert's (all of one) are cut into chunks, for more CTAs than columns alone would give.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/dtype.h"

namespace moe::cuda {

struct BiasGradientProblem {
  const void* rows;           // [rows, columns], or with row_tokens [T, columns]
  const int* row_tokens;      // row r is rows[row_tokens[r]]; null: the rows themselves
  const float* row_scales;    // [rows]; null = 1
  const int* expert_offsets;  // [E + 1], device memory; null: one expert has num_rows rows
  std::int64_t num_rows;      // with expert_offsets the stride of dots
  int num_experts, columns;
  void* d_bias;                 // [E, columns]; null: dots only
  bool adds;                    // d_bias += instead of d_bias =
  const void* bias = nullptr;   // [E, columns]; null: no dots
  float* dots = nullptr;        // [bias_dot_parts(columns), num_rows]
  float* chunk_sums = nullptr;  // [kBiasChunks, columns], scratch; required without expert_offsets
  bool interleaved = false;     // d_bias[e] has column i of the rows at 2i, and column i of their
                                // second half at 2i + 1; only with expert_offsets, without dots
  DType dtype = DType::bf16;    // of rows, d_bias and bias: bf16 or f16
};

inline constexpr int kBiasChunks = 64;

/// Columns that one part of a dot product covers.
inline constexpr int kBiasDotColumns = 256;
constexpr int bias_dot_parts(int columns) {
  return (columns + kBiasDotColumns - 1) / kBiasDotColumns;
}

/// Dots need columns in multiples of 8, and expert_offsets.
void bias_gradient(const BiasGradientProblem& problem, cudaStream_t stream);

}  // namespace moe::cuda
