// Contract of a bias as the starting value of a product that adds to its result.
//
//   out[r, c] = bias[c],  or  out[r, c] += bias[c]
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/dtype.h"

namespace moe::cuda {

struct FillBiasProblem {
  const void* bias;  // bfloat16 [columns]
  void* out;         // [rows, columns]
  DType dtype;       // of out: bf16 or f32
  std::int64_t rows, columns;
  bool adds = false;  // to what out holds
};

void fill_bias(const FillBiasProblem& problem, cudaStream_t stream);

}  // namespace moe::cuda
