// The first launch of build_rows(): down each column of the chunk masks [chunks, E], how many rows
// the expert has in earlier chunks, and how many in all.
#pragma once

#include <cstdint>

#include "cuda/kernels/permute/build_rows.h"

namespace moe::cuda {

/// `value` summed over the lanes up to this one that are a multiple of `kStride` lanes below it.
template <int kStride = 1>
__device__ __forceinline__ int scan_lanes(int value, int lane) {
#pragma unroll
  for (int step = kStride; step < 32; step *= 2) {
    const int below = __shfl_up_sync(0xffffffffu, value, step);
    if (lane >= step) value += below;
  }
  return value;
}

/// A block scans kColumns experts; a column is cut into kSegments runs of chunks, one per thread:
///
///   warp 0   lanes 0-7: segment 0 of experts 0-7 | lanes 8-15: segment 1 | segment 2 | segment 3
///   warp 1              segment 4                | ...
struct ScanChunks {
  static constexpr int kThreads = 1024;
  static constexpr int kMinBlocks = 1;
  static constexpr int kClusterSize = 1;
  static constexpr int kColumns = 8;  // 32 bytes: a memory sector
  static constexpr int kSegments = kThreads / kColumns;
  static constexpr int kWarps = kThreads / 32;

  struct Args {
    const std::uint32_t* chunk_masks;  // [chunks, E]
    ChunkCell* cells;                  // [chunks, E]
    std::int32_t* totals;              // [E]
    std::int64_t chunks;
    int num_experts;
  };
  struct SharedStorage {
    int warp_sums[kColumns][kWarps];
  };

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    const int column = threadIdx.x % kColumns, segment = threadIdx.x / kColumns;
    const int expert = blockIdx.x * kColumns + column;
    const std::int64_t segment_chunks = (args.chunks + kSegments - 1) / kSegments;
    const std::int64_t begin = segment * segment_chunks;
    const bool is_inside = expert < args.num_experts && begin < args.chunks;
    const std::int64_t end = is_inside ? min(begin + segment_chunks, args.chunks) : begin;
    int sum = 0;
#pragma unroll 8
    for (std::int64_t chunk = begin; chunk < end; ++chunk) {
      sum += __popc(__ldg(&args.chunk_masks[chunk * args.num_experts + expert]));
    }
    int first = rows_before(args, shared, sum);
#pragma unroll 8
    for (std::int64_t chunk = begin; chunk < end; ++chunk) {
      const std::int64_t at = chunk * args.num_experts + expert;
      const std::uint32_t mask = __ldg(&args.chunk_masks[at]);
      args.cells[at] = {mask, first};
      first += __popc(mask);
    }
  }

  /// `sum` of this thread to the sum of earlier segments of its column.
  static __device__ __forceinline__ int rows_before(const Args& args, SharedStorage& shared,
                                                    int sum) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, column = threadIdx.x % kColumns;
    const int inclusive = scan_lanes<kColumns>(sum, lane);
    if (lane >= 32 - kColumns) shared.warp_sums[column][warp] = inclusive;
    __syncthreads();
    if (warp < kColumns) {  // a warp per column
      const int own = shared.warp_sums[warp][lane];
      const int through = scan_lanes(own, lane);
      shared.warp_sums[warp][lane] = through - own;
      const int expert = blockIdx.x * kColumns + warp;
      if (lane == 31 && expert < args.num_experts) args.totals[expert] = through;
    }
    __syncthreads();
    return inclusive - sum + shared.warp_sums[column][warp];
  }
};

}  // namespace moe::cuda
