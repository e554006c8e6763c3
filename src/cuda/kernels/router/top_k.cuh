// The best of up to 1024 keys by one warp, exactly and in order.
//
// Key e lies in slot e / 32, column e % 32. Every lane knows the head of its column, the best key
// not yet taken. A round takes the best head; then all lanes together look for the next head of
// that one column, a lane per slot, so that a round costs the same for any number of keys.
//
// In shared memory slots are rotated against each other, which spreads a column over all banks:
//
//   slot 0    0  1  2 ... 31
//   slot 1   63 32 33 ... 62
//   slot 2   94 95 64 ... 93
#pragma once

#include <cstdint>

namespace moe::cuda {

inline constexpr unsigned kAllLanes = 0xffffffffu;

/// Below the key of every number: what may not be taken.
inline constexpr std::uint32_t kNoKey = 0;

/// Keys compare as the values do; zeros are equal, and NaN stands for minus infinity.
__device__ __forceinline__ std::uint32_t key_of(float value) {
  const float number = value == value ? value + 0.0f : -INFINITY;  // + 0: -0 becomes 0
  const std::uint32_t bits = __float_as_uint(number);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float value_of(std::uint32_t key) {
  return __uint_as_float(key >> 31 ? key & 0x7fffffffu : ~key);
}

/// Where key e lies.
__device__ __forceinline__ int place_of_key(int e) { return (e & ~31) | ((e + (e >> 5)) & 31); }

struct ColumnHead {
  std::uint32_t key;
  int slot;  // the lowest of equal keys
};

__device__ __forceinline__ ColumnHead head_of_column(const std::uint32_t* keys, int num_slots,
                                                     int column) {
  ColumnHead head = {kNoKey, 0};
  for (int slot = 0; slot < num_slots; ++slot) {
    const std::uint32_t key = keys[place_of_key(slot * 32 + column)];
    if (key > head.key) head = {key, slot};
  }
  return head;
}

/// The lane whose head has the highest key `top`, of equal ones the lowest index.
__device__ __forceinline__ int best_lane(const ColumnHead& head, std::uint32_t top, int lane) {
  const unsigned tied = __ballot_sync(kAllLanes, head.key == top);
  if ((tied & (tied - 1)) == 0) return __ffs(tied) - 1;
  const unsigned index = head.key == top ? head.slot * 32 + lane : ~0u;
  return __reduce_min_sync(kAllLanes, index) % 32;
}

/// Lane i gets the index of the i-th best of keys[0 .. 32 * num_slots), i < count <= 32; equal keys
/// by index. At least `count` keys must be numbers.
__device__ __forceinline__ int top_k(const std::uint32_t* keys, int num_slots, int count,
                                     int lane) {
  ColumnHead head = head_of_column(keys, num_slots, lane);
  int chosen = 0;
  for (int i = 0; i < count; ++i) {
    const std::uint32_t top = __reduce_max_sync(kAllLanes, head.key);
    const int column = best_lane(head, top, lane);
    const int slot = __shfl_sync(kAllLanes, head.slot, column);
    if (lane == i) chosen = slot * 32 + column;
    // A column is taken by descending key, then by ascending slot: what is left comes after (top,
    // slot).
    std::uint32_t key = lane < num_slots ? keys[place_of_key(lane * 32 + column)] : kNoKey;
    if (key > top || (key == top && lane <= slot)) key = kNoKey;
    const std::uint32_t next = __reduce_max_sync(kAllLanes, key);
    const int next_slot = __ffs(__ballot_sync(kAllLanes, key == next)) - 1;
    if (lane == column) head = {next, next_slot};
  }
  return chosen;
}

}  // namespace moe::cuda
