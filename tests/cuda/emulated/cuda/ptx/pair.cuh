// ptx/pair.cuh without PTX.
#pragma once

#include <bit>
#include <type_traits>

#include "intrinsics.h"

namespace moe::cuda::ptx {

template <class Element>
std::uint32_t pack(float low, float high) {
  const auto bits = [](float value) -> std::uint32_t {
    if constexpr (std::is_same_v<Element, __half>) {
      return __half_as_ushort(__float2half_rn(value));
    } else {
      return __bfloat16_as_ushort(__float2bfloat16_rn(value));
    }
  };
  return bits(low) | bits(high) << 16;
}

template <class Element>
float low_of(std::uint32_t packed) {
  if constexpr (std::is_same_v<Element, __half>) {
    return __half2float(__ushort_as_half(static_cast<unsigned short>(packed)));
  } else {
    return __uint_as_float(packed << 16);
  }
}

template <class Element>
float high_of(std::uint32_t packed) {
  return low_of<Element>(packed >> 16);
}

}  // namespace moe::cuda::ptx
