// The second launch of build_rows(): every pair finds its row by itself, without atomics and in any
// order; the inverse needs the rank of its expert among those of its token.
//
//   row of (t, e) = offset of e + rows of e in earlier chunks + rows of e in t's chunk before t
#pragma once

#include <cstdint>

#include "cuda/kernels/permute/build_rows.h"
#include "cuda/kernels/permute/scan_chunks.cuh"

namespace moe::cuda {

/// A block takes a few chunks. It sorts their pairs in shared memory first, because rows of one
/// expert that are written together share memory sectors:
///
///   pairs of the block   t0 t0 t1 t1 t2 t2 ...       by token, as chosen
///   sorted               e0: t1 t2 | e1: t0 | ...    in shared memory
///   rows                 ... e0: . . t1 t2 . ...     a run per expert
///
/// Offsets of experts are summed up by every block for itself, which is cheaper than a launch.
struct PlaceRows {
  static constexpr int kThreads = 512;
  static constexpr int kMinBlocks = 2;
  static constexpr int kClusterSize = 1;
  static constexpr int kWarps = kThreads / 32;
  static constexpr int kExpertsPerThread = 2;
  static constexpr int kMaxExperts = kThreads * kExpertsPerThread;
  static constexpr int kMostPairs = 2048;
  static constexpr int kEnoughBlocks = 128;  // to be worth larger ones

  struct Args {
    BuildRowsProblem problem;
    const ChunkCell* cells;      // [chunks, E]
    const std::int32_t* totals;  // [E]
    int block_chunks;
  };
  struct SharedStorage {
    int sorted_bases[kMaxExperts];  // + rows of the expert before = place among the sorted
    int row_bases[kMaxExperts];     // + place among the sorted = row
    int tokens[kMostPairs];         // sorted
    float scores[kMostPairs];
    std::uint16_t experts[kMostPairs];
    int warp_totals[kWarps], warp_counts[kWarps];
  };

  static constexpr int block_chunks_for(std::int64_t chunks, int top_k) {
    const std::int64_t most = kMostPairs / kChunkTokens / top_k;
    const std::int64_t wanted = chunks / kEnoughBlocks;
    return static_cast<int>(wanted < 1 ? 1 : wanted < most ? wanted : most);
  }

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    Block(args, shared).run();
  }

  class Block {
   public:
    __device__ __forceinline__ Block(const Args& args, SharedStorage& shared)
        : args_(args),
          p_(args.problem),
          shared_(shared),
          first_chunk_(std::int64_t{blockIdx.x} * args.block_chunks),
          first_token_(first_chunk_ * kChunkTokens),
          tokens_(
              static_cast<int>(min(p_.tokens - first_token_,
                                   static_cast<std::int64_t>(args.block_chunks) * kChunkTokens))) {}

    __device__ __forceinline__ void run() {
      if (blockIdx.x == 0 && threadIdx.x == 0) {
        const auto rows = static_cast<std::int32_t>(p_.tokens * p_.top_k);
        p_.expert_offsets[p_.num_experts] = rows;
        p_.token_offsets[p_.tokens] = rows;
      }
      sum_bases();
      __syncthreads();
      sort();
      __syncthreads();
      for (int i = threadIdx.x; i < tokens_ * p_.top_k; i += kThreads) {
        const int row = shared_.row_bases[shared_.experts[i]] + i;
        p_.row_tokens[row] = shared_.tokens[i];
        p_.row_scores[row] = shared_.scores[i];
      }
    }

   private:
    /// Scans over all experts: their rows, and their rows of this block.
    __device__ __forceinline__ void sum_bases() {
      const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
      const int first_expert = threadIdx.x * kExpertsPerThread;
      int totals[kExpertsPerThread] = {}, counts[kExpertsPerThread] = {};
      int earlier[kExpertsPerThread] = {};  // rows of the expert in earlier blocks
      int total = 0, count = 0;
#pragma unroll
      for (int i = 0; i < kExpertsPerThread; ++i) {
        if (first_expert + i >= p_.num_experts) break;
        totals[i] = args_.totals[first_expert + i];
        count_rows(first_expert + i, earlier[i], counts[i]);
        total += totals[i];
        count += counts[i];
      }
      const int through_total = scan_lanes(total, lane), through_count = scan_lanes(count, lane);
      if (lane == 31) {
        shared_.warp_totals[warp] = through_total;
        shared_.warp_counts[warp] = through_count;
      }
      __syncthreads();
      int offset = through_total - total, begin = through_count - count;
      for (int i = 0; i < warp; ++i) {
        offset += shared_.warp_totals[i];
        begin += shared_.warp_counts[i];
      }
#pragma unroll
      for (int i = 0; i < kExpertsPerThread; ++i) {
        shared_.sorted_bases[first_expert + i] = begin - earlier[i];
        shared_.row_bases[first_expert + i] = offset + earlier[i] - begin;
        if (blockIdx.x == 0 && first_expert + i < p_.num_experts) {
          p_.expert_offsets[first_expert + i] = offset;
        }
        offset += totals[i];
        begin += counts[i];
      }
    }

    __device__ __forceinline__ void count_rows(int expert, int& earlier, int& count) const {
      if (tokens_ <= 0) return;
      const std::int64_t last_chunk = first_chunk_ + (tokens_ - 1) / kChunkTokens;
      const ChunkCell last = cell(last_chunk, expert);
      earlier = cell(first_chunk_, expert).first_row;
      count = last.first_row + __popc(last.mask) - earlier;
    }

    /// Lanes are pairs, and a warp holds whole tokens.
    __device__ __forceinline__ void sort() {
      const int warp_tokens = 32 / p_.top_k;
      const int lane = threadIdx.x % 32, own_token = lane / p_.top_k;
      const int k = lane - own_token * p_.top_k;
#pragma unroll 2
      for (int first = threadIdx.x / 32 * warp_tokens; first < tokens_;
           first += kWarps * warp_tokens) {
        place(first + own_token, k, own_token < warp_tokens && first + own_token < tokens_);
      }
    }

    /// Pair k of a token of the block, by all lanes of a warp.
    __device__ __forceinline__ void place(int own_token, int k, bool is_pair) {
      const std::int64_t token = first_token_ + own_token, pair = token * p_.top_k + k;
      const int expert = is_pair ? __ldg(p_.chosen_experts + pair) : 0;
      int rank = 0;  // of this expert among those of the token
      for (int other = 0; other < p_.top_k; ++other) {
        const int lane = threadIdx.x % 32 - k + other;
        rank += __shfl_sync(0xffffffffu, expert, lane) < expert;
      }
      if (!is_pair) return;
      const ChunkCell own = cell(first_chunk_ + own_token / kChunkTokens, expert);
      const std::uint32_t lower = own.mask & ((1u << own_token % kChunkTokens) - 1);
      const int sorted = shared_.sorted_bases[expert] + own.first_row + __popc(lower);
      shared_.tokens[sorted] = static_cast<std::int32_t>(token);
      shared_.scores[sorted] = __ldg(p_.chosen_scores + pair);
      shared_.experts[sorted] = static_cast<std::uint16_t>(expert);
      p_.token_rows[token * p_.top_k + rank] = shared_.row_bases[expert] + sorted;
      if (k == 0) p_.token_offsets[token] = static_cast<std::int32_t>(pair);
    }

    __device__ __forceinline__ ChunkCell cell(std::int64_t chunk, int expert) const {
      const auto* address = reinterpret_cast<const uint2*>(args_.cells) + chunk * p_.num_experts;
      const uint2 words = __ldg(address + expert);
      return {words.x, static_cast<std::int32_t>(words.y)};
    }

    const Args& args_;
    const BuildRowsProblem& p_;
    SharedStorage& shared_;
    std::int64_t first_chunk_, first_token_;
    int tokens_;  // of the block; none when there are no tokens at all
  };
};

}  // namespace moe::cuda
