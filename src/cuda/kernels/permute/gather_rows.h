// Contract of the gather: every row gets its token's values.
//
//   rows[r] = source[row_tokens[r]]
//
// It is done from the tokens' side: a token is read once and written to each of its rows, so the
// source crosses the memory bus once and not K times.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace moe::cuda {

/// All pointers are device memory, data aligned to 16 bytes.
struct GatherRowsProblem {
  const void* source;                 // [T, d], 16-bit elements
  void* rows;                         // [rows, d]
  const std::int32_t* token_offsets;  // [T + 1]
  const std::int32_t* token_rows;     // [rows]
  std::int64_t tokens;
  int hidden_dim;  // d, a multiple of 8
};

/// Writes the rows that token_rows names and nothing else.
void gather_rows(const GatherRowsProblem& problem, cudaStream_t stream);

}  // namespace moe::cuda
