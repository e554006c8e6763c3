// The gathered operand: rows of tokens brought into the swizzled image that wgmma reads, by the 128 threads
// of the producer warpgroup. Hopper's copy engine cannot gather, cp.async can: eight threads cover the 128
// bytes of a row, sixteen rows at a time.
//
//   Ragged::rows       128 rows x 64 k        the eight rows of a thread are the same for every step of a tile
//   Ragged::reduction  64 k-rows x 128 m      a step needs the next 64 rows; two boxes of 64 columns
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "cuda/kernels/gemm/expert_walk.cuh"
#include "cuda/ptx/cp_async.cuh"
#include "cuda/tile/swizzle.h"

namespace moe::cuda {

/// Source of gathered rows: row r of the operand is data[row_tokens[r]].
struct GatheredRows {
  const __nv_bfloat16* data;  // [T, columns]
  const int* row_tokens;      // [rows]
  int columns;
};

/// 16 bytes of every 16th row, for one thread.
struct GatherLane {
  int first_row;           // 0 .. 15
  int chunk;               // 0 .. 7, 8 elements each
  std::uint32_t smem;      // byte offset of (first_row, chunk) in the image
  explicit __device__ __forceinline__ GatherLane(int thread)
      : first_row(thread / 8), chunk(thread % 8), smem(swizzled_offset(thread / 8, thread % 8)) {}
};

template <Ragged kRagged>
class RowGatherer;

template <>
class RowGatherer<Ragged::rows> {
 public:
  explicit __device__ __forceinline__ RowGatherer(int thread) : lane_(thread) {}

  /// Reads the tokens of the 128 rows of a tile.
  __device__ __forceinline__ void start_tile(const GatheredRows& source, const TileWork& work) {
    const int row = work.tile.row_tile * 128 + lane_.first_row;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int r = row + 16 * i;
      token_[i] = r < work.row_count ? source.row_tokens[work.row_begin + r] : -1;
    }
  }

  __device__ __forceinline__ void load(const GatheredRows& source, std::uint32_t image, const TileWork&, int step) {
    const int column = step * 64 + lane_.chunk * 8;
    const bool in_columns = column < source.columns;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const bool valid = in_columns && token_[i] >= 0;
      const std::int64_t offset = valid ? std::int64_t{token_[i]} * source.columns + column : 0;
      ptx::cp_async_16(image + lane_.smem + i * 16 * kSwizzleRowBytes, source.data + offset, valid);
    }
  }

 private:
  GatherLane lane_;
  int token_[8];
};

template <>
class RowGatherer<Ragged::reduction> {
 public:
  explicit __device__ __forceinline__ RowGatherer(int thread) : lane_(thread) {}

  __device__ __forceinline__ void start_tile(const GatheredRows& source, const TileWork& work) {
    read_tokens(source, work, 0);
  }

  __device__ __forceinline__ void load(const GatheredRows& source, std::uint32_t image, const TileWork& work, int step) {
    const int column = work.tile.row_tile * 128 + lane_.chunk * 8;
#pragma unroll
    for (int box = 0; box < 2; ++box) {
      const bool in_columns = column + box * 64 < source.columns;
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const bool valid = in_columns && token_[i] >= 0;
        const std::int64_t offset = valid ? std::int64_t{token_[i]} * source.columns + column + box * 64 : 0;
        ptx::cp_async_16(image + box * 8192 + lane_.smem + i * 16 * kSwizzleRowBytes, source.data + offset, valid);
      }
    }
    read_tokens(source, work, step + 1);  // early: the next step's copies need them
  }

 private:
  __device__ __forceinline__ void read_tokens(const GatheredRows& source, const TileWork& work, int step) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int r = step * 64 + lane_.first_row + 16 * i;
      token_[i] = r < work.row_count ? source.row_tokens[work.row_begin + r] : -1;
    }
  }

  GatherLane lane_;
  int token_[4];
};

}  // namespace moe::cuda
