// Contract of SonicMoE's up-projection: gather, grouped GEMM and activation in one kernel.
//
//   H[rows of e] = X[row_tokens] W_up[e]^T (+ b_up[e])    [rows, p, n]
//   A = f(gate) * up, or f(H)                             [rows, n]
//
// p = 2 parts when gated, gate first, else 1. W_up and b_up may hold the rows of the parts one
// after another or in turns; H holds parts.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/config.h"

namespace moe::cuda {

struct UpProjProblem {
  const void* x;              // [T, d]
  const int* row_tokens;      // [rows]
  const void* w_up;           // [E, p, n, d], or interleaved [E, n, p, d]
  void* h;                    // [rows, p, n]; null in inference: not stored
  void* a;                    // [rows, n]
  const int* expert_offsets;  // [E + 1], device memory
  int num_experts, n, d;
  Activation activation = Activation::swiglu;
  unsigned* turns = nullptr;                 // one counter; CTAs keep in step where given
  const void* b_up = nullptr;                // [E, p, n], or interleaved [E, n, p]; null = none
  UpLayout layout = UpLayout::concatenated;  // of w_up and b_up when gated
  DType dtype = DType::bf16;                 // of all tensors: bf16 or f16
};

/// Columns of A per tile when gated, which are half of the tile's.
enum class UpProjTile { n128, n128_pair, n64_ping_pong };

/// `tile` is a choice for SwiGLU in bf16; the other activations and f16 have n128_pair.
void up_proj(const UpProjProblem& problem, UpProjTile tile, int num_multiprocessors,
             cudaStream_t stream);

}  // namespace moe::cuda
