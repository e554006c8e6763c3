// Two 16-bit elements in a word: what registers hold of rows, and matrix instructions take.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <type_traits>

namespace moe::cuda::ptx {

/// Two floats as Elements, __nv_bfloat16 or __half, `low` in the lower half.
template <class Element>
__device__ __forceinline__ std::uint32_t pack(float low, float high) {
  std::uint32_t packed;
  if constexpr (std::is_same_v<Element, __half>) {
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  } else {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  }
  return packed;
}

template <class Element>
__device__ __forceinline__ float low_of(std::uint32_t packed) {
  if constexpr (std::is_same_v<Element, __half>) {
    return __half2float(__ushort_as_half(static_cast<unsigned short>(packed)));
  } else {
    return __uint_as_float(packed << 16);
  }
}

template <class Element>
__device__ __forceinline__ float high_of(std::uint32_t packed) {
  if constexpr (std::is_same_v<Element, __half>) {
    return __half2float(__ushort_as_half(static_cast<unsigned short>(packed >> 16)));
  } else {
    return __uint_as_float(packed & 0xffff0000u);
  }
}

}  // namespace moe::cuda::ptx
