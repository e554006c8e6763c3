// Contract of the gate of a shared expert: its output counts sigmoid(x . w) times.
//
// The gate is the score of a row, so the products of routed experts do the rest: forward scales A,
// which is one row's share of the output, and backward finds d_gate as the row's dS.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/dtype.h"

namespace moe::cuda {

/// gates [T]: logits become their sigmoids. a as below.
void apply_shared_gate(float* gates, void* a, DType dtype, std::int64_t tokens, int n,
                       cudaStream_t stream);

/// a: bf16 or f16 [T, n], each row scaled by its gate; n a multiple of 8.
void scale_by_gates(const float* gates, void* a, DType dtype, std::int64_t tokens, int n,
                    cudaStream_t stream);

/// d_logits [T], bf16 or f16 = d_gates * gate (1 - gate).
void shared_gate_backward(const float* gates, const float* d_gates, void* d_logits, DType dtype,
                          std::int64_t tokens, cudaStream_t stream);

}  // namespace moe::cuda
