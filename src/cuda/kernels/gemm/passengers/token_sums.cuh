// The passenger: two warps of every CTA of a grouped GEMM sum over tokens. A warp takes every n-th
// token. Its lanes hold the token's row numbers and hand them round; all lanes then read 16 bytes
// of row after row. Memory answers slowly beside a GEMM, so a warp always has two half batches
// under way: as soon as one is added up, its registers are filled again.
//
//   batch      columns 0 .. 767 of eight rows of a token: three blocks of 32 lanes x 8 elements
//   half 0     rows 17, 240, 911, 1502          half 1     rows 2217, 2650, 3001, 3977
#pragma once

#include <cstdint>

#include "cuda/kernels/gemm/passengers/token_sums.h"
#include "cuda/tile/row_vector.cuh"

namespace moe::cuda {

struct NoPassenger {
  struct Args {};
  static constexpr int kThreads = 0;
  static __device__ __forceinline__ void run(const Args&, int) {}
};

template <class Element>
struct TokenSums {
  struct Args {
    const Element* y;
    const int *token_offsets, *token_rows;
    Element* out;
    int tokens, d;
  };
  static constexpr int kThreads = 64;
  static constexpr int kHalfRows = 4, kBatchRows = 2 * kHalfRows, kBlocks = 3, kBlockColumns = 256;
  static constexpr unsigned kAllLanes = 0xffffffffu;
  using Vector = RowVector<Element>;
  struct Half {
    uint4 words[kHalfRows][kBlocks];
  };

  /// What this lane knows of a token.
  struct Token {
    int begin = 0, end = 0;  // of its rows
    int row = 0;             // the lane's own: lane i has the i-th
  };

  /// Where a warp is: rows first .. end of a token, columns from `column` (this lane's first).
  struct Batch {
    int token, column, first;
    Token at;
  };

  /// `thread` of this CTA's kThreads.
  static __device__ __forceinline__ void run(const Args& args, int thread) {
    const int stride = gridDim.x * (kThreads / 32), lane = thread % 32;
    Batch now{static_cast<int>(blockIdx.x) * (kThreads / 32) + thread / 32, lane * 8, 0, {}};
    Token after, later;  // one and two tokens ahead
    read_range(args, now.token, now.at);
    read_range(args, now.token + stride, after);
    read_row(args, now.at);
    read_row(args, after);
    read_range(args, now.token + 2 * stride, later);
    now.first = now.at.begin;
    Half half[2];
    Vector sum[kBlocks] = {};
    load<0>(args, now, half[0]);
    load<1>(args, now, half[1]);
    while (now.token < args.tokens) {
      Batch next = now;
      next.first += kBatchRows;
      const bool is_last = next.first >= now.at.end;  // of this token and these columns
      if (is_last) {
        next.column += kBlocks * kBlockColumns;
        if (next.column - lane * 8 >= args.d) {
          next = {now.token + stride, lane * 8, 0, after};
          after = later;
          read_row(args, after);
          read_range(args, next.token + 2 * stride, later);
        }
        next.first = next.at.begin;
      }
      add(half[0], sum);
      load<0>(args, next, half[0]);
      add(half[1], sum);
      load<1>(args, next, half[1]);
      if (is_last) store(args, now, sum);
      now = next;
    }
  }

 private:
  static __device__ __forceinline__ void read_range(const Args& args, int token, Token& at) {
    if (token >= args.tokens) return;
    at.begin = args.token_offsets[token];
    at.end = args.token_offsets[token + 1];
  }

  static __device__ __forceinline__ void read_row(const Args& args, Token& at) {
    const int own = at.begin + threadIdx.x % 32;
    if (own < at.end) at.row = args.token_rows[own];
  }

  template <int kHalf>
  static __device__ __forceinline__ void load(const Args& args, const Batch& batch, Half& half) {
    if (batch.token >= args.tokens) return;
    int row = batch.at.row, from = batch.first - batch.at.begin + kHalf * kHalfRows;
    if (batch.at.end - batch.at.begin > 32) {  // more rows than lanes
      const int own = batch.first + kHalf * kHalfRows + threadIdx.x % 32;
      row = own < batch.at.end ? args.token_rows[own] : 0;
      from = 0;
    }
#pragma unroll
    for (int i = 0; i < kHalfRows; ++i) {
      const std::int64_t source = __shfl_sync(kAllLanes, row, from + i);
      const Element* y = args.y + source * args.d + batch.column;
      const bool is_row = batch.first + kHalf * kHalfRows + i < batch.at.end;
#pragma unroll
      for (int b = 0; b < kBlocks; ++b) {
        half.words[i][b] = make_uint4(0, 0, 0, 0);
        if (is_row && batch.column + b * kBlockColumns < args.d)
          half.words[i][b] = load_vector(y + b * kBlockColumns);
      }
    }
  }

  /// Rows behind the last are zeros.
  static __device__ __forceinline__ void add(const Half& half, Vector (&sum)[kBlocks]) {
#pragma unroll
    for (int i = 0; i < kHalfRows; ++i) {
#pragma unroll
      for (int b = 0; b < kBlocks; ++b) {
        const Vector values = unpack<Element>(half.words[i][b]);
#pragma unroll
        for (int c = 0; c < 8; ++c) sum[b].value[c] += values.value[c];
      }
    }
  }

  /// Writes the finished sums and clears them.
  static __device__ __forceinline__ void store(const Args& args, const Batch& batch,
                                               Vector (&sum)[kBlocks]) {
    Element* out = args.out + std::int64_t{batch.token} * args.d + batch.column;
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
      if (batch.column + b * kBlockColumns < args.d)
        store_vector_streaming(out + b * kBlockColumns, sum[b]);
      sum[b] = {};
    }
  }
};

}  // namespace moe::cuda
