// Contract of a bias as the starting value of a product that adds to its result.
//
//   out[r, c] = bias[c],  or  out[r, c] += bias[c]
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/dtype.h"

namespace moe::cuda {

struct FillBiasProblem {
  const void* bias;  // [columns]
  void* out;         // [rows, columns]
  DType dtype;       // of out: f32, or bias_dtype
  std::int64_t rows, columns;
  bool adds = false;               // to what out holds
  DType bias_dtype = DType::bf16;  // bf16 or f16
};

void fill_bias(const FillBiasProblem& problem, cudaStream_t stream);

}  // namespace moe::cuda
