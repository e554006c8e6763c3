// Contract of the grouped GEMM: one product per expert over rows sorted by expert, any row counts.
//
//   multiply_rows     C[rows of e, n] = A[rows of e, k] B[e] (+ bias[e])
//   weight_gradient   C[e] [m, n]     = A[rows of e, m]^T B[rows of e, n]
//
// 16-bit elements in and out, float32 accumulation. Rows of other experts never reach a result,
// whatever they hold. An expert without rows gets zeros from weight_gradient. Dimensions that are
// contiguous in memory are multiples of 8 (16-byte rows of the copy engine).
//
// Rows of a weight that are gate and up of an MLP may be stored in turns (`interleaved`): row i of
// the first half at 2i, row i of the second at 2i + 1. interleaved_rows.h says what that demands.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "moe/dtype.h"

namespace moe::cuda {

enum class WeightLayout { n_by_k, k_by_n };  // of B[e]

struct GroupedRowsProblem {
  const void* a;              // [rows, k]
  const void* b;              // [E, n, k] or [E, k, n]
  void* c;                    // [rows, n]
  const int* expert_offsets;  // [E + 1], device memory
  std::int64_t rows;          // that a and c have memory for
  int num_experts, n, k;
  bool adds = false;               // C += instead of C =
  unsigned* turns = nullptr;       // one counter; CTAs keep in step where given
  const void* bias = nullptr;      // [E, n], added to every row of C; null = none
  void* stream_scratch = nullptr;  // of GroupedTile::m128n256_streamed: stream_scratch_bytes()
  bool interleaved = false;        // B[e] [k, n] is stored so; k_by_n only
  DType dtype = DType::bf16;       // of a, b, c and bias: bf16 or f16
};

struct WeightGradientProblem {
  const void* a;              // [rows, m], or with row_tokens [T, m]
  const void* b;              // [rows, n]
  void* c;                    // [E, m, n], or [E, n, m] when transposed
  const int* expert_offsets;  // [E + 1], device memory
  const int* row_tokens;      // row r of A is a[row_tokens[r]]; null: a holds the rows themselves
  int num_experts, m, n;
  bool transposed;            // store C[e]^T; only with row_tokens
  bool adds = false;          // C += instead of C =
  bool interleaved = false;   // store C[e]^T [n, m] so; only when transposed
  DType dtype = DType::bf16;  // of a, b and c: bf16 or f16
};

/// Compiled tiles of these two products. f16 has m128n256_pair and m128n256_streamed alone, and
/// takes the nearer of them (select_tile.h). Streamed: the last tiles are cut into pieces, so that
/// no multiprocessor is idle in the end; of multiply_rows only.
enum class GroupedTile {
  m128n256,
  m128n256_pair,
  m128n192,
  m128n128_pair,
  m128n128_ping_pong,
  m128n256_streamed
};

/// Device memory through which CTAs hand each other sums; 16-byte aligned.
std::size_t stream_scratch_bytes(int num_multiprocessors);

void multiply_rows(const GroupedRowsProblem& problem, WeightLayout layout, GroupedTile tile,
                   int num_multiprocessors, cudaStream_t stream);
void weight_gradient(const WeightGradientProblem& problem, GroupedTile tile,
                     int num_multiprocessors, cudaStream_t stream);

}  // namespace moe::cuda
