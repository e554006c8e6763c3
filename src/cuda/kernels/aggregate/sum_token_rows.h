// Contract of the aggregation: every token's rows, weighted and summed.
//
//   out[t] = add[t] + sum over rows r of token t, ascending, of scale[r] * y[r]
//                   + sum over experts e, ascending, of d_logits[t, e] * w_router[e]
//
// Summed in float32. A token without rows gets add[t], or zeros. The last sum is the router's part
// of dX; it reads a row of w_router for every d_logit that is not zero, and so is for gates that
// leave all but the chosen ones zero.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/dtype.h"

namespace moe::cuda {

struct RouterPart {
  const void* d_logits;  // [T, E]
  const void* w_router;  // [E, d]
  int num_experts;       // 0: there is no such part
};

struct SumTokenRowsProblem {
  const void* y;             // [rows, d]
  const float* row_scales;   // [rows]; null = 1
  const int* token_offsets;  // [T + 1]
  const int* token_rows;     // [rows]: the rows of token 0, of token 1, ...
  const void* add;           // [T, d]; null = nothing; may be out: then out is added to
  void* out;                 // [T, d]
  DType dtype;               // of y, add, out, d_logits and w_router: bf16, f16 or f32
  std::int64_t tokens;
  int d;  // a multiple of 8
  RouterPart router = {};
};

void sum_token_rows(const SumTokenRowsProblem& problem, cudaStream_t stream);

}  // namespace moe::cuda
