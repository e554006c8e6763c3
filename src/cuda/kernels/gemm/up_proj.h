// Contract of SonicMoE's up-projection: gather, grouped GEMM and SwiGLU in one kernel.
//
//   H[rows of e] = X[row_tokens] W_up[e]^T         [rows, 2, n], gate half first
//   A = silu(gate) * up                            [rows, n]
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace moe::cuda {

struct UpProjProblem {
  const void* x;              // [T, d]
  const int* row_tokens;      // [rows]
  const void* w_up;           // [E, 2, n, d]
  void* h;                    // [rows, 2, n]; null in inference: not stored
  void* a;                    // [rows, n]
  const int* expert_offsets;  // [E + 1], device memory
  int num_experts, n, d;
  unsigned* turns = nullptr;  // scratch of keeps_in_step()
};

/// Columns of A per tile.
enum class UpProjTile { n128, n128_pair, n64_ping_pong };

void up_proj_swiglu(const UpProjProblem& problem, UpProjTile tile, int num_multiprocessors,
                    cudaStream_t stream);

}  // namespace moe::cuda
