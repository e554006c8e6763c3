// Contract of the loop over experts: the rows of one expert, whose number the host knows.
//
//   select_rows   to[i]                 = from[row_tokens[i]]            torch: x[rows]
//   add_rows      to[row_tokens[i]]    += row_scales[i] * from[i]        torch: index_add_
//
// A token stands at most once among the rows of an expert, so add_rows has no race and equal inputs
// give equal bits. Its sum is rounded to the type of `to` at every call, as index_add_ does.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/dtype.h"

namespace moe::cuda {

/// All pointers are device memory, data aligned to 16 bytes.
struct IndexRowsProblem {
  const void* from;         // select: [T, d]; add: [rows, d]
  void* to;                 // select: [rows, d]; add: [T, d]
  const int* row_tokens;    // [rows], each token at most once
  const float* row_scales;  // add: [rows]; null = 1
  DType dtype;              // of from and to: bf16, f16 or f32
  std::int64_t rows;
  int d;  // a multiple of 8
};

void select_rows(const IndexRowsProblem& problem, cudaStream_t stream);
void add_rows(const IndexRowsProblem& problem, cudaStream_t stream);

}  // namespace moe::cuda
