// A stable counting sort of pairs by expert, from chunk masks (build_rows.h) that the router wrote:
//
//   ScanChunks  column by column of the masks [chunks, E]: rows of expert e in earlier chunks
//   PlaceRows   row of pair (t, e) = offset of e + rows in earlier chunks + rows in its own chunk
//               below t; and the inverse, as the rank of e among the experts of t
//
// Every pair finds its row by itself: no atomics, no order of arrival.
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
    std::int32_t* first_rows;          // [chunks, E]
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
      args.first_rows[at] = first;
      first += __popc(__ldg(&args.chunk_masks[at]));
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

/// A block places one chunk; lanes are pairs, and a warp holds whole tokens. Offsets of experts are
/// summed up by every block for itself, which is cheaper than a launch in between.
struct PlaceRows {
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 6;
  static constexpr int kClusterSize = 1;
  static constexpr int kWarps = kThreads / 32;
  static constexpr int kExpertsPerThread = 4;
  static constexpr int kMaxExperts = kThreads * kExpertsPerThread;

  struct Args {
    BuildRowsProblem problem;
    const std::uint32_t* chunk_masks;  // [chunks, E]
    const std::int32_t* first_rows;    // [chunks, E]
    const std::int32_t* totals;        // [E]
  };
  struct SharedStorage {
    int offsets[kMaxExperts];
    int warp_sums[kWarps];
  };

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    sum_offsets(args, shared);
    const BuildRowsProblem& p = args.problem;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int warp_tokens = 32 / p.top_k;
    const int own_token = lane / p.top_k;
    for (int first = warp * warp_tokens; first < kChunkTokens; first += kWarps * warp_tokens) {
      const int bit = first + own_token;
      const std::int64_t token = static_cast<std::int64_t>(blockIdx.x) * kChunkTokens + bit;
      const bool is_pair = own_token < warp_tokens && bit < kChunkTokens && token < p.tokens;
      place(args, shared, token, bit, lane - own_token * p.top_k, is_pair);
    }
  }

  /// Offsets of all experts to shared memory; the first block writes them out.
  static __device__ __forceinline__ void sum_offsets(const Args& args, SharedStorage& shared) {
    const BuildRowsProblem& p = args.problem;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int first_expert = threadIdx.x * kExpertsPerThread;
    int counts[kExpertsPerThread];
    int sum = 0;
#pragma unroll
    for (int i = 0; i < kExpertsPerThread; ++i) {
      counts[i] = first_expert + i < p.num_experts ? args.totals[first_expert + i] : 0;
      sum += counts[i];
    }
    const int inclusive = scan_lanes(sum, lane);
    if (lane == 31) shared.warp_sums[warp] = inclusive;
    __syncthreads();
    int offset = inclusive - sum;
    for (int i = 0; i < warp; ++i) offset += shared.warp_sums[i];
#pragma unroll
    for (int i = 0; i < kExpertsPerThread; ++i) {
      shared.offsets[first_expert + i] = offset;
      if (blockIdx.x == 0 && first_expert + i < p.num_experts) {
        p.expert_offsets[first_expert + i] = offset;
      }
      offset += counts[i];
    }
    if (blockIdx.x == 0 && threadIdx.x == 0) {
      const auto rows = static_cast<std::int32_t>(p.tokens * p.top_k);
      p.expert_offsets[p.num_experts] = rows;
      p.token_offsets[p.tokens] = rows;
    }
    __syncthreads();
  }

  /// Pair k of a token, by all lanes of a warp.
  static __device__ __forceinline__ void place(const Args& args, const SharedStorage& shared,
                                               std::int64_t token, int bit, int k, bool is_pair) {
    const BuildRowsProblem& p = args.problem;
    const std::int64_t pair = token * p.top_k + k;
    const int expert = is_pair ? p.chosen_experts[pair] : 0;
    const int first_lane = threadIdx.x % 32 - k;
    int rank = 0;  // of this expert among those of the token
    for (int other = 0; other < p.top_k; ++other) {
      rank += __shfl_sync(0xffffffffu, expert, first_lane + other) < expert;
    }
    if (!is_pair) return;
    const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * p.num_experts + expert;
    const std::uint32_t earlier = args.chunk_masks[at] & ((1u << bit) - 1);
    const int row = shared.offsets[expert] + args.first_rows[at] + __popc(earlier);
    p.row_tokens[row] = static_cast<std::int32_t>(token);
    p.row_scores[row] = p.chosen_scores[pair];
    p.token_rows[token * p.top_k + rank] = row;
    if (k == 0) p.token_offsets[token] = static_cast<std::int32_t>(pair);
  }
};

}  // namespace moe::cuda
