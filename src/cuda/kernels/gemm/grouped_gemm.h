// Contract of the grouped GEMM: one product per expert over rows sorted by expert, any row counts.
//
//   Ragged::rows       C[rows of e, n] = A[rows of e, k] B[e]        B[e] is [n, k] or [k, n]
//   Ragged::reduction  C[e] [m, n]     = A[rows of e, m]^T B[rows of e, n]
//
// bfloat16 in and out, float32 accumulation. Rows of other experts never reach a result, whatever they hold. An
// expert without rows writes zeros in the second form and nothing in the first.
#pragma once

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/kernels/gemm/gemm_tile.h"

namespace moe::cuda {

enum class Ragged { rows, reduction };
enum class WeightLayout { n_by_k, k_by_n };  // of B[e] in Ragged::rows

struct GroupedGemmArgs {
  CUtensorMap a, b, c;
  const int* expert_offsets;  // [num_experts + 1], device memory
  int num_experts;
  int m;  // Ragged::reduction: rows of C[e]
  int n;  // columns of C
  int k;  // Ragged::rows: the reduction
};

struct GroupedGemmProblem {
  const void* a;              // [rows, k] or [rows, m]
  const void* b;              // [E, n, k], [E, k, n] or [rows, n]
  void* c;                    // [rows, n] or [E, m, n]
  const int* expert_offsets;  // [E + 1], device memory
  std::int64_t rows;          // that a, and b or c, have memory for
  int num_experts;
  int m, n, k;
};

/// Multiples of 8 for every dimension that is contiguous in memory (16-byte rows of the copy engine).
template <Ragged kRagged, WeightLayout kLayout, GemmTile kTile>
void launch_grouped_gemm(const GroupedGemmProblem& problem, int num_multiprocessors, cudaStream_t stream);

}  // namespace moe::cuda
