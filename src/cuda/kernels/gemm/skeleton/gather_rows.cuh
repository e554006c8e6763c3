// The gathered operand: rows of tokens brought into the swizzled image that wgmma reads, by the 128
// threads of the producer warpgroup. Hopper's copy engine cannot gather, cp.async can: eight
// threads cover the 128 bytes of a row, sixteen rows at a time.
//
//   Ragged::rows       128 rows x 64 k      a thread has the same eight rows in all steps of a tile
//   Ragged::reduction  64 k-rows x 128 m    a step needs the next 64 rows; two boxes of 64 columns
#pragma once

#include <cstdint>

#include "cuda/kernels/gemm/skeleton/expert_walk.cuh"
#include "cuda/ptx/cp_async.cuh"
#include "cuda/tile/swizzle.h"

namespace moe::cuda {

/// Source of gathered rows, of 16-bit elements: row r of the operand is data[row_tokens[r]].
struct GatheredRows {
  const std::uint16_t* data;  // [T, columns]
  const int* row_tokens;      // [rows]
  int columns;
};

/// 16 bytes of every 16th row, for one thread.
struct GatherLane {
  int first_row;       // 0 .. 15
  int chunk;           // 0 .. 7, 8 elements each
  std::uint32_t smem;  // byte offset of (first_row, chunk) in the image
  explicit __device__ __forceinline__ GatherLane(int thread)
      : first_row(thread / 8), chunk(thread % 8), smem(swizzled_offset(thread / 8, thread % 8)) {}
};

template <Ragged kRagged>
class RowGatherer;

/// Eight rows of a tile per thread.
template <>
class RowGatherer<Ragged::rows> {
 public:
  explicit __device__ __forceinline__ RowGatherer(int thread) : lane_(thread) {}

  /// Finds the sources of this thread's eight rows of a tile.
  __device__ __forceinline__ void start_tile(const GatheredRows& source, const TileWork& work) {
    const int row = work.tile.row_tile * 128 + lane_.first_row;
    valid_rows_ = 0;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int r = row + 16 * i;
      const bool valid = r < work.row_count;
      const int token = valid ? source.row_tokens[work.row_begin + r] : 0;
      next_[i] = source.data + std::int64_t{token} * source.columns + lane_.chunk * 8;
      valid_rows_ |= static_cast<unsigned>(valid) << i;
    }
  }

  /// Copies the next 64 columns. Steps come in order.
  __device__ __forceinline__ void load(const GatheredRows& source, std::uint32_t image,
                                       const TileWork&, int step) {
    const unsigned valid = step * 64 + lane_.chunk * 8 < source.columns ? valid_rows_ : 0;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      ptx::cp_async_16(image + lane_.smem + i * 16 * kSwizzleRowBytes, next_[i],
                       (valid >> i & 1) != 0);
      next_[i] += 64;
    }
  }

 private:
  GatherLane lane_;
  const std::uint16_t* next_[8];
  unsigned valid_rows_ = 0;
};

template <>
class RowGatherer<Ragged::reduction> {
  static constexpr int kRowsAtOnce = 16, kRows = 64 / kRowsAtOnce;

 public:
  explicit __device__ __forceinline__ RowGatherer(int thread) : lane_(thread) {}

  __device__ __forceinline__ void start_tile(const GatheredRows& source, const TileWork& work) {
    const int column = work.tile.row_tile * 128 + lane_.chunk * 8;
    base_ = source.data + column;
    valid_boxes_[0] = column < source.columns;
    valid_boxes_[1] = column + 64 < source.columns;
    read_tokens(source, work, 0);
  }

  __device__ __forceinline__ void load(const GatheredRows& source, std::uint32_t image,
                                       const TileWork& work, int step) {
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const bool valid = token_[i] >= 0;
      const std::uint16_t* row = base_ + std::int64_t{valid ? token_[i] : 0} * source.columns;
      const std::uint32_t target = image + lane_.smem + i * kRowsAtOnce * kSwizzleRowBytes;
      ptx::cp_async_16(target, row, valid && valid_boxes_[0]);
      ptx::cp_async_16(target + 8192, row + 64, valid && valid_boxes_[1]);
    }
    read_tokens(source, work, step + 1);  // early: the next step's copies need them
  }

 private:
  __device__ __forceinline__ void read_tokens(const GatheredRows& source, const TileWork& work,
                                              int step) {
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int r = step * 64 + lane_.first_row + kRowsAtOnce * i;
      token_[i] = r < work.row_count ? source.row_tokens[work.row_begin + r] : -1;
    }
  }

  GatherLane lane_;
  const std::uint16_t* base_ = nullptr;
  bool valid_boxes_[2];
  int token_[kRows];
};

}  // namespace moe::cuda
