// Contract of the aggregation: every token's rows, weighted and summed.
//
//   out[t] = add[t] + sum over rows r of token t, ascending, of scale[r] * y[r]
//
// Summed in float32. A token without rows gets add[t], or zeros.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/dtype.h"

namespace moe::cuda {

struct SumTokenRowsProblem {
  const void* y;             // [rows, d]
  const float* row_scales;   // [rows]; null = 1
  const int* token_offsets;  // [T + 1]
  const int* token_rows;     // [rows]: the rows of token 0, of token 1, ...
  const void* add;           // [T, d]; null = nothing; may be out: then out is added to
  void* out;                 // [T, d]
  DType dtype;               // of y, add and out: bf16 or f32
  std::int64_t tokens;
  int d;  // a multiple of 8
};

void sum_token_rows(const SumTokenRowsProblem& problem, cudaStream_t stream);

}  // namespace moe::cuda
