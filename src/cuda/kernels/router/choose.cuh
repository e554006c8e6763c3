// The choice on the device: a warp per token, lane i with logits i, i + 32, ..., as lane_sum32 adds
// them; a block per chunk of 32 tokens, which gathers the chunk's masks in shared memory.
//
//   logits -> keys in shared memory -> drop groups -> top_k -> scores -> masks
//
// Sums run in the order of routing/gate.cpp, without fused multiply-add (nvcc --fmad=false).
#pragma once

#include <cstdint>

#include "core/activation.h"
#include "cuda/kernels/permute/build_rows.h"
#include "cuda/kernels/router/choose.h"
#include "cuda/kernels/router/top_k.cuh"

namespace moe::cuda {

struct ChooseArgs {
  ChooseProblem problem;
  int num_experts, top_k, num_groups, kept_groups;
  float scale;
  bool is_sigmoid, renormalizes;
};

/// One token in the hands of one warp.
class TokenChoice {
 public:
  __device__ __forceinline__ TokenChoice(const ChooseArgs& args, std::uint32_t* keys,
                                         std::int64_t token)
      : args_(args),
        keys_(keys),
        token_(token),
        lane_(threadIdx.x % 32),
        num_slots_((args.num_experts + 31) / 32),
        logits_(args.problem.logits + token * args.num_experts) {}

  /// Writes the token's outputs; returns the lane's chosen expert (lanes below K).
  __device__ __forceinline__ int choose() {
    load_keys();
    if (args_.kept_groups < args_.num_groups) drop_groups();
    const int expert = top_k(keys_, num_slots_, args_.top_k, lane_);
    write_scores(expert);
    return expert;
  }

 private:
  static constexpr float kSigmoidSumFloor = 1e-20f;  // as routing/gate.cpp

  __device__ __forceinline__ void load_keys() {
    constexpr int kBatch = 4;  // loads in flight
    for (int first = lane_; first < 32 * num_slots_; first += 32 * kBatch) {
      float logits[kBatch];
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        if (first + 32 * i < args_.num_experts) logits[i] = logits_[first + 32 * i];
      }
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        const int e = first + 32 * i;
        if (e < args_.num_experts) {
          keys_[place_of_key(e)] = key_of(compared_value(logits[i], e));
        } else if (e < 32 * num_slots_) {
          keys_[place_of_key(e)] = kNoKey;
        }
      }
    }
    __syncwarp();
  }

  __device__ __forceinline__ float compared_value(float logit, int e) {
    const ChooseProblem& p = args_.problem;
    if (p.logit_offsets != nullptr) {
      logit += p.logit_offsets[token_ * args_.num_experts + e];
      logits_[e] = logit;
    }
    float value = args_.is_sigmoid ? sigmoid32(logit) : logit;
    if (args_.is_sigmoid && p.b_select != nullptr) value += p.b_select[e];
    return value;
  }

  /// A lane per group: its score, its rank, and away with its keys if it is not among the best.
  __device__ __forceinline__ void drop_groups() {
    const int group_size = args_.num_experts / args_.num_groups;
    const bool is_group = lane_ < args_.num_groups;
    const int first = lane_ * group_size;
    std::uint32_t best = kNoKey, second = kNoKey;
    for (int i = 0; is_group && i < group_size; ++i) {
      const std::uint32_t key = keys_[place_of_key(first + i)];
      second = max(second, min(best, key));
      best = max(best, key);
    }
    const bool sums_two = args_.is_sigmoid && group_size > 1;
    const std::uint32_t score = sums_two ? key_of(value_of(best) + value_of(second)) : best;
    int rank = 0;
    for (int group = 0; group < args_.num_groups; ++group) {
      const std::uint32_t other = __shfl_sync(kAllLanes, score, group);
      rank += other > score || (other == score && group < lane_);
    }
    const bool is_dropped = is_group && rank >= args_.kept_groups;
    for (int i = 0; is_dropped && i < group_size; ++i) keys_[place_of_key(first + i)] = kNoKey;
    __syncwarp();
  }

  /// exp(l - shift) or sigmoid(l): what scores are a share of.
  __device__ __forceinline__ float unnormalized(float logit, float shift) const {
    return args_.is_sigmoid ? sigmoid32(logit) : exp32(logit - shift);
  }

  __device__ __forceinline__ void write_scores(int expert) {
    const bool is_chosen = lane_ < args_.top_k;
    const float logit = is_chosen ? logits_[expert] : 0.0f;
    float shift = args_.is_sigmoid ? 0.0f : __shfl_sync(kAllLanes, logit, 0);
    const bool sums_all = !args_.is_sigmoid && !args_.renormalizes;
    if (sums_all && shift != shift) shift = -INFINITY;
    const float value = unnormalized(logit, shift);
    float denominator = 1.0f;
    if (args_.renormalizes) denominator = sum_of_chosen(value);
    if (sums_all) denominator = sum_of_all(shift);
    if (!is_chosen) return;
    const ChooseProblem& p = args_.problem;
    p.chosen_experts[token_ * args_.top_k + lane_] = expert;
    p.chosen_scores[token_ * args_.top_k + lane_] = args_.scale * (value / denominator);
    if (p.token_norms != nullptr && lane_ == 0) {
      reinterpret_cast<float2*>(p.token_norms)[token_] = make_float2(shift, denominator);
    }
  }

  __device__ __forceinline__ float sum_of_chosen(float value) const {
    float sum = 0.0f;
    for (int k = 0; k < args_.top_k; ++k) sum += __shfl_sync(kAllLanes, value, k);
    return args_.is_sigmoid ? sum + kSigmoidSumFloor : sum;
  }

  __device__ __forceinline__ float sum_of_all(float shift) const {
    float sum = 0.0f;
    for (int e = lane_; e < args_.num_experts; e += 32) sum += exp32(logits_[e] - shift);
#pragma unroll
    for (int half = 16; half > 0; half /= 2) sum += __shfl_xor_sync(kAllLanes, sum, half);
    return sum;
  }

  const ChooseArgs& args_;
  std::uint32_t* keys_;  // [32 * num_slots] of this warp, in shared memory
  std::int64_t token_;
  int lane_, num_slots_;
  float* logits_;
};

/// kExperts: that shared memory is made for.
template <int kExperts>
struct Choose {
  using Args = ChooseArgs;
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 6;
  static constexpr int kClusterSize = 1;
  static constexpr int kWarps = kThreads / 32;

  struct SharedStorage {
    std::uint32_t keys[kWarps][kExperts];
    std::uint32_t masks[kExperts];
  };

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int e = threadIdx.x; e < args.num_experts; e += kThreads) shared.masks[e] = 0;
    __syncthreads();
    for (int bit = warp; bit < kChunkTokens; bit += kWarps) {
      const std::int64_t token = static_cast<std::int64_t>(blockIdx.x) * kChunkTokens + bit;
      if (token >= args.problem.tokens) break;
      __syncwarp();  // keys of the last token were read
      const int expert = TokenChoice(args, shared.keys[warp], token).choose();
      if (lane < args.top_k) atomicOr(&shared.masks[expert], 1u << bit);
    }
    __syncthreads();
    const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * args.num_experts;
    for (int e = threadIdx.x; e < args.num_experts; e += kThreads) {
      args.problem.chunk_masks[first + e] = shared.masks[e];
    }
  }
};

}  // namespace moe::cuda
