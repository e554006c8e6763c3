// The gathered operand: rows of tokens brought into the swizzled image that wgmma reads, by the 128
// threads of the producer warpgroup. Hopper's copy engine cannot gather, cp.async can: eight
// threads cover the 128 bytes of a row. These threads have few registers, and a spilled one is read
// back behind their own copies, since loads come back in order: it costs more than it saves.
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

template <Ragged kRagged>
class RowGatherer;

/// A thread has 16 bytes of every 16th row: the same eight rows in all steps of a tile.
template <>
class RowGatherer<Ragged::rows> {
 public:
  __device__ __forceinline__ RowGatherer()
      : first_row_(threadIdx.x / 8),
        chunk_(threadIdx.x % 8),
        smem_(swizzled_offset(first_row_, chunk_)) {}

  /// Finds the sources of this thread's eight rows of a tile.
  __device__ __forceinline__ void start_tile(const GatheredRows& source, const TileWork& work) {
    const int row = work.tile.row_tile * 128 + first_row_;
    valid_rows_ = 0;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int r = row + 16 * i;
      const bool valid = r < work.row_count;
      const int token = valid ? source.row_tokens[work.row_begin + r] : 0;
      next_[i] = source.data + std::int64_t{token} * source.columns + chunk_ * 8;
      valid_rows_ |= static_cast<unsigned>(valid) << i;
    }
  }

  /// Copies the next 64 columns. Steps come in order.
  __device__ __forceinline__ void load(const GatheredRows& source, std::uint32_t image,
                                       const TileWork&, int step) {
    const unsigned valid = step * 64 + chunk_ * 8 < source.columns ? valid_rows_ : 0;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      ptx::cp_async_16(image + smem_ + i * 16 * kSwizzleRowBytes, next_[i], (valid >> i & 1) != 0);
      next_[i] += 64;
    }
  }

 private:
  int first_row_;       // 0 .. 15
  int chunk_;           // 0 .. 7, 8 elements each
  std::uint32_t smem_;  // byte offset of (first_row, chunk) in the image
  const std::uint16_t* next_[8];
  unsigned valid_rows_ = 0;
};

/// A warp has 16 of a step's 64 rows, four at a time. Its lanes hold the token numbers of four
/// steps and have asked for those of the next four: asked for a step ahead, they would come back
/// behind that step's copies.
template <>
class RowGatherer<Ragged::reduction> {
 public:
  __device__ __forceinline__ void start_tile(const GatheredRows& source, const TileWork& work) {
    const int column = work.tile.row_tile * 128 + chunk() * 8;
    base_ = source.data + column;
    valid_boxes_[0] = column < source.columns;
    valid_boxes_[1] = column + 64 < source.columns;
    ask_for_tokens(source, work, 0);
  }

  __device__ __forceinline__ void load(const GatheredRows& source, std::uint32_t image,
                                       const TileWork& work, int step) {
    if (step % kStepsHeld == 0) {
      held_[0] = next_[0];
      held_[1] = next_[1];
      ask_for_tokens(source, work, step + kStepsHeld);
    }
    const int held = step % kStepsHeld < 2 ? held_[0] : held_[1];
    const int lane_of_first = step % 2 * 16 + first_row();
    const std::uint32_t target = image + swizzled_offset(warp_row() + first_row(), chunk());
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int token = __shfl_sync(0xffffffffu, held, lane_of_first + i * 4);
      const bool valid = token >= 0;
      const std::uint16_t* row = base_ + std::int64_t{valid ? token : 0} * source.columns;
      // Four rows on, bit 2 of the row's number flips, and with it that of the chunk.
      const std::uint32_t at = (target ^ (i % 2 * 64)) + i * 4 * kSwizzleRowBytes;
      ptx::cp_async_16(at, row, valid && valid_boxes_[0]);
      ptx::cp_async_16(at + 8192, row + 64, valid && valid_boxes_[1]);
    }
  }

 private:
  static constexpr int kStepsHeld = 4;

  static __device__ __forceinline__ int warp_row() {
    return threadIdx.x / 32 * 16;
  }
  static __device__ __forceinline__ int first_row() {
    return threadIdx.x % 32 / 8;
  }
  static __device__ __forceinline__ int chunk() {
    return threadIdx.x % 8;
  }

  /// Of `step` in lanes 0 to 15 and the step after it in the others; then of the two steps behind.
  __device__ __forceinline__ void ask_for_tokens(const GatheredRows& source, const TileWork& work,
                                                 int step) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int r = (step + 2 * i + lane / 16) * 64 + warp_row() + lane % 16;
      next_[i] = r < work.row_count ? source.row_tokens[work.row_begin + r] : -1;
    }
  }

  const std::uint16_t* base_ = nullptr;
  bool valid_boxes_[2];
  int held_[2], next_[2];
};

}  // namespace moe::cuda
