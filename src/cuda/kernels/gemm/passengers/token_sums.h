// Contract of the passenger of a grouped GEMM: sums over tokens that ride in a kernel of which they
// are independent. They are bound by memory and the GEMM by the tensor cores, so that together they
// take little longer than the GEMM alone.
//
//   out[t] = sum over rows r of token t, ascending, of y[r]          summed in float32
#pragma once

#include <cstdint>

namespace moe::cuda {

/// y and out: of the type of the grouped GEMM that it rides in.
struct TokenSumsProblem {
  const void* y;             // [rows, d]
  const int* token_offsets;  // [T + 1]
  const int* token_rows;     // [rows]: the rows of token 0, of token 1, ...
  void* out;                 // [T, d]
  std::int64_t tokens;
  int d;  // a multiple of 8
};

}  // namespace moe::cuda
