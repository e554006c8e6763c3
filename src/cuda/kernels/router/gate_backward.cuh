// The gate's gradient: a warp per token, which builds the token's d_logits in shared memory,
//
//   1  what the denominator gives to all logits (softmax over all experts), or zeros
//   2  minus what it gives to the chosen (renormalized gates)
//   3  plus what each row gives to its own expert
//
// and writes them in order. Formulas and order of sums are those of routing/gate_backward.cpp.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "core/activation.h"
#include "cuda/kernels/router/choose.h"
#include "cuda/kernels/router/gate_backward.h"

namespace moe::cuda {

template <class DeviceElement>
struct GateBackward {
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 6;
  static constexpr int kClusterSize = 1;
  static constexpr int kWarps = kThreads / 32;
  static constexpr int kBlockTokens = 32;
  static constexpr unsigned kAllLanes = 0xffffffffu;

  struct Args {
    GateBackwardProblem problem;
    DeviceElement* d_logits;  // [T, E]
    int num_experts, top_k;
    float scale;
    bool is_sigmoid, renormalizes;
  };
  struct SharedStorage {
    int offsets[kMaxExperts + 1];
    float d_logits[kWarps][kMaxExperts];
  };

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    for (int e = threadIdx.x; e <= args.num_experts; e += kThreads) {
      shared.offsets[e] = args.problem.expert_offsets[e];
    }
    __syncthreads();
    const int warp = threadIdx.x / 32;
    for (int i = warp; i < kBlockTokens; i += kWarps) {
      const std::int64_t token = static_cast<std::int64_t>(blockIdx.x) * kBlockTokens + i;
      if (token >= args.problem.tokens) return;
      Token(args, shared.offsets, shared.d_logits[warp], token).write();
    }
  }

  class Token {
   public:
    __device__ __forceinline__ Token(const Args& args, const int* offsets, float* row,
                                     std::int64_t token)
        : args_(args),
          offsets_(offsets),
          row_(row),
          token_(token),
          lane_(threadIdx.x % 32),
          begin_(args.problem.token_offsets[token]),
          end_(args.problem.token_offsets[token + 1]),
          norm_(args.problem.token_norms == nullptr
                    ? make_float2(0.0f, 1.0f)
                    : reinterpret_cast<const float2*>(args.problem.token_norms)[token]) {}

    __device__ __forceinline__ void write() {
      const float total = weighted_total();
      start(total);
      __syncwarp();
      if (args_.renormalizes && lane_ < args_.top_k) subtract_share_of_chosen(total);
      __syncwarp();
      for (int at = begin_ + lane_; at < end_; at += 32) add_row(args_.problem.token_rows[at]);
      __syncwarp();
      DeviceElement* out = args_.d_logits + token_ * args_.num_experts;
      for (int e = lane_; e < args_.num_experts; e += 32) {
        out[e] = static_cast<DeviceElement>(row_[e]);  // each lane's own entries are next written
      }
    }

   private:
    /// Sum of d_score * score, row by row.
    __device__ __forceinline__ float weighted_total() const {
      float total = 0.0f;
      for (int first = begin_; first < end_; first += 32) {
        float product = 0.0f;
        if (first + lane_ < end_) {
          const int row = args_.problem.token_rows[first + lane_];
          product = args_.problem.d_scores[row] * args_.problem.row_scores[row];
        }
        const int count = min(end_ - first, 32);
        for (int i = 0; i < count; ++i) total += __shfl_sync(kAllLanes, product, i);
      }
      return total;
    }

    __device__ __forceinline__ void start(float total) {
      const bool sums_all = !args_.is_sigmoid && !args_.renormalizes;
      const float* logits = args_.problem.logits + token_ * args_.num_experts;
      for (int e = lane_; e < args_.num_experts; e += 32) {
        row_[e] = sums_all ? -(exp32(logits[e] - norm_.x) / norm_.y) * total : 0.0f;
      }
    }

    __device__ __forceinline__ void subtract_share_of_chosen(float total) {
      const std::int64_t pair = token_ * args_.top_k + lane_;
      const float score = args_.problem.chosen_scores[pair];
      row_[args_.problem.chosen_experts[pair]] -= slope(score) * (score / args_.scale) * total;
    }

    __device__ __forceinline__ void add_row(int row) {
      const float score = args_.problem.row_scores[row];
      row_[expert_of(row)] += slope(score) * args_.problem.d_scores[row] * score;
    }

    /// The last expert whose rows begin at or before `row`; those after it that are empty begin
    /// later.
    __device__ __forceinline__ int expert_of(int row) const {
      int low = 0, high = args_.num_experts;
      while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (offsets_[middle] <= row) {
          low = middle;
        } else {
          high = middle;
        }
      }
      return low;
    }

    /// f' / f: of exp 1, of the sigmoid 1 - f.
    __device__ __forceinline__ float slope(float score) const {
      return args_.is_sigmoid ? 1.0f - score * norm_.y / args_.scale : 1.0f;
    }

    const Args& args_;
    const int* offsets_;  // [E + 1], shared memory
    float* row_;          // [E], shared memory
    std::int64_t token_;
    int lane_;
    int begin_, end_;  // of token_rows
    float2 norm_;      // shift, denominator
  };
};

}  // namespace moe::cuda
