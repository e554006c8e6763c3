// The best of up to 1024 keys by one warp, exactly and in order, with few steps that wait for each
// other. Key e lies in slot e / 32 of lane e % 32, in registers.
//
//   1  bound    near the count-th best of the lanes' best keys: at least `count` keys reach it
//   2  collect  the keys that reach the bound, a few more than `count`, to shared memory
//   3  rank     a lane per collected key counts how many are better
//
// Of keys equal to the bound no more are collected than can be chosen, so that a token whose logits
// are all equal costs little more than others.
#pragma once

#include <cmath>
#include <cstdint>

namespace moe::cuda {

inline constexpr unsigned kAllLanes = 0xffffffffu;

/// Below the key of every number: what may not be chosen.
inline constexpr std::uint32_t kNoKey = 0;

/// Keys compare as the values do; zeros are equal, and NaN stands for minus infinity.
__device__ __forceinline__ std::uint32_t key_of(float value) {
  const int bits = __float_as_int(fmaxf(value, -INFINITY) + 0.0f);  // + 0: -0 becomes 0
  return static_cast<std::uint32_t>(bits ^ (bits >> 31 | 0x80000000));
}

__device__ __forceinline__ float value_of(std::uint32_t key) {
  return __uint_as_float(key >> 31 ? key & 0x7fffffffu : ~key);
}

template <int kSlots>
using Keys = std::uint32_t[kSlots];

template <int kSlots>
__device__ __forceinline__ std::uint32_t best_of_lane(const Keys<kSlots>& keys) {
  std::uint32_t best = keys[0];
#pragma unroll
  for (int slot = 1; slot < kSlots; ++slot) best = max(best, keys[slot]);
  return best;
}

/// A key and its index, such that of two candidates the better is the greater.
struct Candidate {
  static __device__ __forceinline__ std::uint64_t make(std::uint32_t key, int index) {
    return static_cast<std::uint64_t>(key) << 32 | static_cast<std::uint32_t>(~index);
  }
  static __device__ __forceinline__ int index_of(std::uint64_t candidate) {
    return ~static_cast<int>(static_cast<std::uint32_t>(candidate));
  }
};

/// Collected candidates of one warp, in shared memory, and behind the last a zero.
template <int kSlots>
struct alignas(16) CandidateList {
  static constexpr int kUnwanted = 32 * kSlots + 2;  // + lane: for what is not collected
  std::uint64_t candidates[kUnwanted + 32];
};

template <int kSlots>
class TopK {
 public:
  using List = CandidateList<kSlots>;

  /// chosen[i] = index of the i-th best key, i < count <= 32; equal keys by index. At least `count`
  /// keys must be numbers.
  static __device__ __forceinline__ void choose(const Keys<kSlots>& keys, int count, List& list,
                                                int lane, int* chosen) {
    const std::uint32_t bound = bound_of(keys, count);
    int collected = collect<false>(keys, bound, 0, list, lane);
    if (collected > 32) {
      int above = 0;
#pragma unroll
      for (int slot = 0; slot < kSlots; ++slot) above += keys[slot] > bound;
      const int room = count - __reduce_add_sync(kAllLanes, above);
      collected = collect<true>(keys, bound, room, list, lane);
    }
    rank(list, collected, count, lane, chosen);
  }

 private:
  /// `count` times the best of the lanes' best is taken away; equal ones go at once.
  static __device__ __forceinline__ std::uint32_t bound_of(const Keys<kSlots>& keys, int count) {
    const std::uint32_t own = best_of_lane<kSlots>(keys);
    std::uint32_t rest = own, bound = kNoKey;
#pragma unroll 4
    for (int i = 0; i < count; ++i) {
      bound = __reduce_max_sync(kAllLanes, rest);
      if (rest == bound) rest = kNoKey;
    }
    return bound != kNoKey ? bound : lowest_bound(keys, own, count);
  }

  /// When no lane was left: the least of the lanes' best, or whatever is a number.
  static __device__ __forceinline__ std::uint32_t lowest_bound(const Keys<kSlots>& keys,
                                                               std::uint32_t own, int count) {
    const std::uint32_t least = __reduce_min_sync(kAllLanes, own == kNoKey ? ~0u : own);
    int reached = 0;
#pragma unroll
    for (int slot = 0; slot < kSlots; ++slot) reached += keys[slot] >= least;
    return __reduce_add_sync(kAllLanes, reached) >= count ? least : kNoKey + 1;
  }

  /// Returns how many. kLimited: of the keys equal to the bound only the first `room`.
  template <bool kLimited>
  static __device__ __forceinline__ int collect(const Keys<kSlots>& keys, std::uint32_t bound,
                                                int room, List& list, int lane) {
    const unsigned lower_lanes = (1u << lane) - 1;
    int collected = 0;
    __syncwarp();
#pragma unroll
    for (int slot = 0; slot < kSlots; ++slot) {
      bool is_taken = keys[slot] >= bound;
      if constexpr (kLimited) {
        const unsigned equal = __ballot_sync(kAllLanes, keys[slot] == bound);
        is_taken =
            keys[slot] > bound || (keys[slot] == bound && __popc(equal & lower_lanes) < room);
        room -= __popc(equal);
      }
      const unsigned taken = __ballot_sync(kAllLanes, is_taken);
      // A store by all lanes is cheaper than a branch around it.
      const int place = is_taken ? collected + __popc(taken & lower_lanes) : List::kUnwanted + lane;
      list.candidates[place] = Candidate::make(keys[slot], 32 * slot + lane);
      collected += __popc(taken);
    }
    if (lane == 0) list.candidates[collected] = 0;
    __syncwarp();
    return collected;
  }

  static __device__ __forceinline__ void rank(const List& list, int collected, int count, int lane,
                                              int* chosen) {
#pragma unroll 1
    for (int place = lane; place < collected; place += 32) {
      const std::uint64_t own = list.candidates[place];
      int better = 0;
#pragma unroll 2
      for (int i = 0; i < collected; i += 2) {
        const auto two = *reinterpret_cast<const ulonglong2*>(&list.candidates[i]);
        better += two.x > own;
        better += two.y > own;
      }
      if (better < count) chosen[better] = Candidate::index_of(own);
    }
  }
};

}  // namespace moe::cuda
