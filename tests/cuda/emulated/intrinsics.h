// What kernels call of CUDA C++, for one thread of an emulated block. Warp functions take full
// masks only.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "block.h"

using std::max;
using std::min;

// The toolkit's headers give them attributes where nvcc is not at work.
#undef __device__
#undef __host__
#undef __forceinline__
#define __device__
#define __host__
#define __forceinline__ inline

inline void __syncthreads() {
  moe::emulated::block_barrier();
}
inline void __syncwarp(unsigned mask = 0xffffffffu) {
  moe::emulated::exchange(mask, 0);
}

template <class Value>
Value __shfl_sync(unsigned mask, Value value, int lane, int width = 32) {
  using namespace moe::emulated;
  const int first = static_cast<int>(threadIdx.x % 32) / width * width;
  return from_word<Value>(exchange(mask, to_word(value))[first + (lane & (width - 1))]);
}
template <class Value>
Value __shfl_xor_sync(unsigned mask, Value value, int bits, int width = 32) {
  return __shfl_sync(mask, value, static_cast<int>(threadIdx.x % 32) ^ bits, width);
}
template <class Value>
Value __shfl_up_sync(unsigned mask, Value value, unsigned distance) {
  const unsigned lane = threadIdx.x % 32;
  return __shfl_sync(mask, value, static_cast<int>(lane >= distance ? lane - distance : lane));
}
template <class Value, class Combine>
Value reduce_team(unsigned mask, Value value, Combine combine) {
  using namespace moe::emulated;
  const std::uint64_t* words = exchange(mask, to_word(value));
  int lane = std::countr_zero(mask);
  Value result = from_word<Value>(words[lane]);
  for (++lane; lane < 32 && (mask >> lane & 1) != 0; ++lane)
    result = combine(result, from_word<Value>(words[lane]));
  return result;
}
template <class Value>
Value __reduce_add_sync(unsigned mask, Value value) {
  return reduce_team(mask, value, [](Value a, Value b) { return static_cast<Value>(a + b); });
}
template <class Value>
Value __reduce_max_sync(unsigned mask, Value value) {
  return reduce_team(mask, value, [](Value a, Value b) { return std::max(a, b); });
}
template <class Value>
Value __reduce_min_sync(unsigned mask, Value value) {
  return reduce_team(mask, value, [](Value a, Value b) { return std::min(a, b); });
}
inline unsigned __ballot_sync(unsigned mask, bool holds) {
  const std::uint64_t* words = moe::emulated::exchange(mask, holds ? 1 : 0);
  unsigned ballot = 0;
  for (int lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1) != 0) ballot |= static_cast<unsigned>(words[lane] != 0) << lane;
  }
  return ballot;
}

inline int __popc(unsigned bits) {
  return std::popcount(bits);
}
inline int __ffs(unsigned bits) {
  return bits == 0 ? 0 : std::countr_zero(bits) + 1;
}
inline int __clz(unsigned bits) {
  return std::countl_zero(bits);
}
inline unsigned __float_as_uint(float value) {
  return std::bit_cast<unsigned>(value);
}
inline int __float_as_int(float value) {
  return std::bit_cast<int>(value);
}
inline float __uint_as_float(unsigned bits) {
  return std::bit_cast<float>(bits);
}
inline float __int_as_float(int bits) {
  return std::bit_cast<float>(bits);
}
inline float fmaf(float a, float b, float c) {
  return std::fma(a, b, c);
}
inline float __expf(float value) {
  return std::exp(value);
}
inline float __logf(float value) {
  return std::log(value);
}
inline float __fdividef(float a, float b) {
  return a / b;
}

template <class Value>
void __stcs(Value* at, Value value) {
  *at = value;
}
template <class Value>
Value __ldg(const Value* at) {
  return *at;
}
template <class Value>
Value __ldcg(const Value* at) {
  return *at;
}

// Blocks run one after another, threads between waits: nothing interrupts these.
template <class Value>
Value atomicAdd(Value* at, Value value) {
  const Value before = *at;
  *at += value;
  return before;
}
template <class Value>
Value atomicOr(Value* at, Value value) {
  const Value before = *at;
  *at |= value;
  return before;
}
template <class Value>
Value atomicXor(Value* at, Value value) {
  const Value before = *at;
  *at ^= value;
  return before;
}
template <class Value>
Value atomicMin(Value* at, Value value) {
  const Value before = *at;
  *at = std::min(*at, value);
  return before;
}
