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

/// What a pair needs to know about its chunk and expert.
struct alignas(8) ChunkCell {
  std::uint32_t mask;      // the chunk's tokens that chose the expert
  std::int32_t first_row;  // among the expert's rows: how many earlier chunks have
};

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
    const ChunkCell* cells;      // [chunks, E]
    const std::int32_t* totals;  // [E]
  };
  struct SharedStorage {
    int offsets[kMaxExperts];
    int warp_sums[kWarps];
  };

  /// A pair with all that does not wait for the offsets of experts.
  struct Pair {
    std::int64_t token;
    int expert;
    float score;
    int rank;  // of its expert among those of the token
    int row;   // among the rows of its expert
    int k;     // place among the chosen
    bool is_there;
  };

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    const BuildRowsProblem& p = args.problem;
    const int warp_tokens = 32 / p.top_k, block_tokens = kWarps * warp_tokens;
    int first = threadIdx.x / 32 * warp_tokens;
    Pair pair = load(args, first);  // on its way while offsets are summed
    sum_offsets(args, shared);
    while (true) {
      store(args, shared, pair);
      first += block_tokens;
      if (first >= kChunkTokens) return;
      pair = load(args, first);
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

  /// By all lanes of a warp, which holds the tokens from bit `first` of the chunk on.
  static __device__ __forceinline__ Pair load(const Args& args, int first) {
    const BuildRowsProblem& p = args.problem;
    const int lane = threadIdx.x % 32, warp_tokens = 32 / p.top_k, own_token = lane / p.top_k;
    const int bit = first + own_token;
    Pair pair = {};
    pair.k = lane - own_token * p.top_k;
    pair.token = std::int64_t{blockIdx.x} * kChunkTokens + bit;
    pair.is_there = own_token < warp_tokens && bit < kChunkTokens && pair.token < p.tokens;
    if (pair.is_there) {
      pair.expert = p.chosen_experts[pair.token * p.top_k + pair.k];
      pair.score = p.chosen_scores[pair.token * p.top_k + pair.k];
      const ChunkCell cell = args.cells[std::int64_t{blockIdx.x} * p.num_experts + pair.expert];
      pair.row = cell.first_row + __popc(cell.mask & ((1u << bit) - 1));
    }
    for (int k = 0; k < p.top_k; ++k) {
      const int other = __shfl_sync(0xffffffffu, pair.expert, lane - pair.k + k);
      pair.rank += other < pair.expert;
    }
    return pair;
  }

  static __device__ __forceinline__ void store(const Args& args, const SharedStorage& shared,
                                               const Pair& pair) {
    if (!pair.is_there) return;
    const BuildRowsProblem& p = args.problem;
    const int row = shared.offsets[pair.expert] + pair.row;
    p.row_tokens[row] = static_cast<std::int32_t>(pair.token);
    p.row_scores[row] = pair.score;
    p.token_rows[pair.token * p.top_k + pair.rank] = row;
    if (pair.k == 0) p.token_offsets[pair.token] = static_cast<std::int32_t>(pair.token * p.top_k);
  }
};

}  // namespace moe::cuda
