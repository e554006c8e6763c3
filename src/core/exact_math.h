// Float32 functions whose every bit is defined, so that a router chooses the same experts on any
// machine.
//
// Only add, multiply, divide and bit operations in a fixed order: no fused multiply-add, no library
// call. Translation units that include this header must be compiled with -ffp-contract=off (nvcc:
// --fmad=false); the moe_core target says so. Errors stay below 2 units in the last place.
#pragma once

#include <bit>
#include <cstdint>

#if defined(__CUDACC__)
#define MOE_HOST_DEVICE __host__ __device__
#else
#define MOE_HOST_DEVICE
#endif

namespace moe {

MOE_HOST_DEVICE inline float float_of_bits(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(bits);
#else
  return std::bit_cast<float>(bits);
#endif
}

/// e^x; 0 below -87.3 (no subnormal results), the value at 88.3 above it; NaN stays NaN.
MOE_HOST_DEVICE inline float exp32(float x) {
  constexpr float kLowest = -87.3f, kHighest = 88.3f;
  constexpr float kLog2E = 1.44269504f;
  constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;  // ln 2 = high + low
  constexpr float kRounder = 12582912.0f;       // 1.5 * 2^23: adding it rounds to an integer
  const float low = x > kLowest ? x : kLowest;  // NaN becomes kLowest here and NaN again at the end
  const float clamped = low < kHighest ? low : kHighest;
  const float shifted = clamped * kLog2E + kRounder;
  const float exponent = shifted - kRounder;
  const float r = (clamped - exponent * kLn2High) - exponent * kLn2Low;  // |r| <= ln 2 / 2
  // Minimax polynomial of e^r (Cephes, expf).
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float fraction = (p * (r * r) + r) + 1.0f;
  const auto bits = static_cast<std::uint32_t>(static_cast<std::int32_t>(exponent) + 127) << 23;
  const float result = fraction * float_of_bits(bits);
  return x < kLowest ? 0.0f : (x == x ? result : x);
}

MOE_HOST_DEVICE inline float sigmoid32(float x) {
  return 1.0f / (1.0f + exp32(-x));
}

/// Sum in the order of a 32-lane warp: lane i adds elements i, i + 32, ...; then lanes fold in
/// halves.
inline float lane_sum32(const float* values, std::int64_t count) {
  float lanes[32] = {};
  for (std::int64_t i = 0; i < count; ++i) lanes[i % 32] += values[i];
  for (int half = 16; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

}  // namespace moe
