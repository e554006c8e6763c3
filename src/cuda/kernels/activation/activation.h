// Contract of the activation as a step of its own (grouped_gemm and vanilla; sonic fuses it).
//
//   activate            a [rows, n]   = act(h)
//   activate_backward   d_h [rows, u] = act'(h) d_a
//
// u is 2n when gated, gate columns before up columns or in turns with them, and n otherwise.
// Only rows below expert_offsets[E] are read or written, or max_rows of them where the host knows
// their number.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/config.h"

namespace moe::cuda {

/// Rows that a step works on: in most variants their number is known on the device alone.
struct ActivationRows {
  const int* expert_offsets;  // [E + 1], device memory; null: there are max_rows rows
  int num_experts;
  std::int64_t max_rows;  // at least expert_offsets[E]; bounds the grid
  int n;                  // a multiple of 8
  Activation activation;
  DType dtype;                               // of h, a and their gradients: bf16, f16 or f32
  UpLayout layout = UpLayout::concatenated;  // of the columns of h and d_h when gated
};

void activate(const ActivationRows& rows, const void* h, void* a, cudaStream_t stream);

/// d_h may be h itself.
void activate_backward(const ActivationRows& rows, const void* h, const void* d_a, void* d_h,
                       cudaStream_t stream);

}  // namespace moe::cuda
