// The part of ptx/warp.cuh that row kernels use, without PTX.
#pragma once

#include "intrinsics.h"

namespace moe::cuda::ptx {

inline std::uint32_t pack_bf16(float low, float high) {
  const auto bits = [](float value) -> std::uint32_t {
    return __bfloat16_as_ushort(__float2bfloat16_rn(value));
  };
  return bits(low) | bits(high) << 16;
}
inline float low_of_bf16(std::uint32_t packed) {
  return __uint_as_float(packed << 16);
}
inline float high_of_bf16(std::uint32_t packed) {
  return __uint_as_float(packed & 0xffff0000u);
}
inline int uniform(int value) {
  return __shfl_sync(0xffffffffu, value, 0);
}

}  // namespace moe::cuda::ptx
