// Element types of tensors, and the storage types of those that C++ lacks.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace moe {

enum class DType { f32, bf16, f16, f64, i32, i64 };

constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f32: return 4;
    case DType::bf16:
    case DType::f16: return 2;
    case DType::f64: return 8;
    case DType::i32: return 4;
    case DType::i64: return 8;
  }
  return 0;
}

/// The name used in flags, files and tables.
constexpr std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f32: return "fp32";
    case DType::bf16: return "bf16";
    case DType::f16: return "fp16";
    case DType::f64: return "fp64";
    case DType::i32: return "int32";
    case DType::i64: return "int64";
  }
  return "?";
}

/// The upper half of a float32; converts with round to nearest, ties to even.
struct bfloat16 {
  std::uint16_t bits = 0;

  bfloat16() = default;
  explicit bfloat16(float value) {
    const auto word = std::bit_cast<std::uint32_t>(value);
    const bool is_nan = (word & 0x7fffffffu) > 0x7f800000u;
    bits =
        is_nan ? 0x7fc0 : static_cast<std::uint16_t>((word + 0x7fffu + ((word >> 16) & 1u)) >> 16);
  }
  explicit operator float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};

/// IEEE binary16: 5 bits of exponent, 10 of fraction. Converts with round to nearest, ties to even;
/// what rounds beyond 65504 becomes infinity, and what is below 2^-14 keeps steps of 2^-24.
struct float16 {
  std::uint16_t bits = 0;

  float16() = default;
  explicit float16(float value) {
    const auto word = std::bit_cast<std::uint32_t>(value);
    bits = static_cast<std::uint16_t>(round(word & 0x7fffffffu) | (word >> 16 & 0x8000u));
  }
  explicit operator float() const {
    const std::uint32_t magnitude = (bits & 0x7fffu) << 13;
    const std::uint32_t sign = (bits & 0x8000u) << 16;
    return std::bit_cast<float>(widen(magnitude) | sign);
  }

 private:
  static constexpr std::uint32_t kExponentGap = (127u - 15u) << 23;  // between the two biases

  /// Of a float32's magnitude.
  static std::uint32_t round(std::uint32_t magnitude) {
    if (magnitude > 0x7f800000u) return 0x7e00;   // NaN
    if (magnitude >= 0x47800000u) return 0x7c00;  // 2^16 and more: infinity
    if (magnitude < 0x38800000u) {                // below 2^-14: floats near 0.5 have these steps
      const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
      return std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(0.5f);
    }
    return (magnitude - kExponentGap + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
  }

  /// Of a magnitude whose fraction stands where a float32 has it.
  static std::uint32_t widen(std::uint32_t magnitude) {
    if (magnitude >= 0x7c00u << 13) return magnitude + 2 * kExponentGap;  // infinity or NaN
    if (magnitude >= 0x0400u << 13) return magnitude + kExponentGap;
    // No leading 1 is implied: one is added as 2^-14 and taken away.
    constexpr std::uint32_t kSmallestNormal = 0x38800000u;
    return std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude + kSmallestNormal) -
                                        std::bit_cast<float>(kSmallestNormal));
  }
};

}  // namespace moe
