// One token's logits as keys to choose by, in the registers of a warp: lane i has experts i, i +
// 32,
// ..., as lane_sum32 adds them. Values are those of routing/gate.cpp.
#pragma once

#include <cstdint>

#include "core/activation.h"
#include "cuda/kernels/router/choose.h"
#include "cuda/kernels/router/top_k.cuh"

namespace moe::cuda {

struct ChooseArgs {
  ChooseProblem problem;
  int num_experts, top_k, num_groups, kept_groups;
  float scale;
  bool is_sigmoid, renormalizes;

  /// Whether the denominator sums over all experts.
  __device__ __forceinline__ bool sums_all() const { return !is_sigmoid && !renormalizes; }
};

template <int kSlots>
class TokenKeys {
 public:
  __device__ __forceinline__ TokenKeys(const ChooseArgs& args, std::int64_t token)
      : args_(args), lane_(threadIdx.x % 32) {
    const std::int64_t row = token * args.num_experts;
    float* logits = args.problem.logits + row;
#pragma unroll
    for (int slot = 0; slot < kSlots; ++slot) {
      if (has(slot)) values_[slot] = logits[expert_of(slot)];
    }
    if (args.problem.logit_offsets != nullptr) {
#pragma unroll
      for (int slot = 0; slot < kSlots; ++slot) {
        if (!has(slot)) continue;
        values_[slot] += args.problem.logit_offsets[row + expert_of(slot)];
        logits[expert_of(slot)] = values_[slot];
      }
    }
    if (args.is_sigmoid) to_sigmoids();
#pragma unroll
    for (int slot = 0; slot < kSlots; ++slot) {
      keys[slot] = has(slot) ? key_of(values_[slot]) : kNoKey;
    }
  }

  /// Sum of exp(logit - shift) over all experts; shift is the largest logit, NaN left out.
  __device__ __forceinline__ float sum_of_exponentials() const {
    const float shift = value_of(__reduce_max_sync(kAllLanes, best_of_lane<kSlots>(keys)));
    float sum = 0.0f;
#pragma unroll
    for (int slot = 0; slot < kSlots; ++slot) {
      if (has(slot)) sum += exp32(values_[slot] - shift);
    }
#pragma unroll
    for (int half = 16; half > 0; half /= 2) sum += __shfl_xor_sync(kAllLanes, sum, half);
    return sum;
  }

  /// Keys of experts outside the best groups become kNoKey. `all_keys` [32 * kSlots] is scratch in
  /// shared memory. Lanes share out the groups; a lane takes a run of its group's experts.
  __device__ __forceinline__ void drop_groups(std::uint32_t* all_keys) {
    __syncwarp();
#pragma unroll
    for (int slot = 0; slot < kSlots; ++slot) all_keys[place_of(expert_of(slot))] = keys[slot];
    __syncwarp();
    const int group_size = args_.num_experts / args_.num_groups;
    const int group_lanes = 32 / args_.num_groups;
    const int group = lane_ / group_lanes, part = lane_ % group_lanes;
    const int run = group < args_.num_groups ? (group_size + group_lanes - 1) / group_lanes : 0;
    const int begin = group * group_size + min(part * run, group_size);
    const int end = group * group_size + min((part + 1) * run, group_size);
    std::uint32_t best = kNoKey, second = kNoKey;
#pragma unroll 2
    for (int e = begin; e < end; ++e) {
      const std::uint32_t key = all_keys[place_of(e)];
      second = max(second, min(best, key));
      best = max(best, key);
    }
    if (!is_kept(group_score(best, second, group_lanes), group, group_lanes)) {
#pragma unroll 2
      for (int e = begin; e < end; ++e) all_keys[place_of(e)] = kNoKey;
    }
    __syncwarp();
#pragma unroll
    for (int slot = 0; slot < kSlots; ++slot) keys[slot] = all_keys[place_of(expert_of(slot))];
  }

  Keys<kSlots> keys;

 private:
  __device__ __forceinline__ void to_sigmoids() {
    const float* b_select = args_.problem.b_select;
#pragma unroll
    for (int slot = 0; slot < kSlots; ++slot) {
      if (32 * slot >= args_.num_experts) break;
      values_[slot] = sigmoid32(values_[slot]);
      if (b_select != nullptr && has(slot)) values_[slot] += b_select[expert_of(slot)];
    }
  }

  /// The best two keys of each lane of a group to the group's score, as a key.
  __device__ __forceinline__ std::uint32_t group_score(std::uint32_t best, std::uint32_t second,
                                                       int group_lanes) const {
    const int first_lane = lane_ / group_lanes * group_lanes;
    std::uint32_t group_best = kNoKey, group_second = kNoKey;
#pragma unroll 1
    for (int i = 0; i < group_lanes; ++i) {
      const std::uint32_t other = __shfl_sync(kAllLanes, best, first_lane + i);
      const std::uint32_t other_second = __shfl_sync(kAllLanes, second, first_lane + i);
      group_second = max(max(group_second, other_second), min(group_best, other));
      group_best = max(group_best, other);
    }
    const bool sums_two = args_.is_sigmoid && args_.num_experts > args_.num_groups;
    return sums_two ? key_of(value_of(group_best) + value_of(group_second)) : group_best;
  }

  __device__ __forceinline__ bool is_kept(std::uint32_t score, int group, int group_lanes) const {
    int better = 0;
#pragma unroll 2
    for (int i = 0; i < args_.num_groups; ++i) {
      const std::uint32_t other = __shfl_sync(kAllLanes, score, i * group_lanes);
      better += other > score || (other == score && i < group);
    }
    return better < args_.kept_groups;
  }

  __device__ __forceinline__ int expert_of(int slot) const {
    return 32 * slot + lane_;
  }
  __device__ __forceinline__ bool has(int slot) const {
    return expert_of(slot) < args_.num_experts;
  }
  /// Slots rotated against each other, so that runs begin in unlike banks.
  static __device__ __forceinline__ int place_of(int e) {
    return (e & ~31) | ((e + (e >> 5)) & 31);
  }

  const ChooseArgs& args_;
  int lane_;
  float values_[kSlots];  // logits, or sigmoids with bias
};

}  // namespace moe::cuda
