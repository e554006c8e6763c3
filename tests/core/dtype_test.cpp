// The storage types against the compiler's own: every value widens exactly, every float rounds as
// the compiler rounds it.
#include "moe/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

namespace moe {
namespace {

static_assert(std::is_trivially_copyable_v<float16> && sizeof(float16) == 2);
static_assert(std::is_trivially_copyable_v<bfloat16> && sizeof(bfloat16) == 2);

template <class Element>
Element from_bits(int bits) {
  Element element;
  element.bits = static_cast<std::uint16_t>(bits);
  return element;
}

template <class Element>
void expect_round_trip() {
  for (int bits = 0; bits < 1 << 16; ++bits) {
    const float value = static_cast<float>(from_bits<Element>(bits));
    const Element again(value);
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(static_cast<float>(again))) << bits;
    } else {
      ASSERT_EQ(again.bits, bits);
    }
  }
}

TEST(DTypes, EveryValueComesBack) {
  expect_round_trip<bfloat16>();
  expect_round_trip<float16>();
}

TEST(DTypes, SizesAreThoseOfTheStorageTypes) {
  EXPECT_EQ(size_of(DType::bf16), sizeof(bfloat16));
  EXPECT_EQ(size_of(DType::f16), sizeof(float16));
}

#if defined(__FLT16_MAX__)  // the compiler has the type
__extension__ using CompilerHalf = _Float16;

TEST(Float16, EveryValueWidensAsTheCompilerWidensIt) {
  for (int bits = 0; bits < 1 << 16; ++bits) {
    const float want =
        static_cast<float>(std::bit_cast<CompilerHalf>(static_cast<std::uint16_t>(bits)));
    const float got = static_cast<float>(from_bits<float16>(bits));
    if (std::isnan(want)) {
      ASSERT_TRUE(std::isnan(got)) << bits;
    } else {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(got), std::bit_cast<std::uint32_t>(want)) << bits;
    }
  }
}

void expect_rounded_as_by_the_compiler(std::uint32_t word) {
  const float value = std::bit_cast<float>(word);
  const auto want = static_cast<CompilerHalf>(value);
  if (std::isnan(value)) {
    ASSERT_TRUE(std::isnan(static_cast<float>(float16(value)))) << word;
  } else {
    ASSERT_EQ(float16(value).bits, std::bit_cast<std::uint16_t>(want)) << word;
  }
}

TEST(Float16, FloatsOfEveryExponentRoundAsTheCompilerRounds) {
  for (std::uint64_t word = 0; word < std::uint64_t{1} << 32; word += 4099)  // a prime
    expect_rounded_as_by_the_compiler(static_cast<std::uint32_t>(word));
}

/// Halves, their midpoints and the floats beside both: where ties and carries are.
TEST(Float16, NeighboursOfTiesRoundAsTheCompilerRounds) {
  for (int bits = 0; bits < 0x7c00; ++bits) {
    const float value = static_cast<float>(from_bits<float16>(bits));
    const float next = bits + 1 < 0x7c00 ? static_cast<float>(from_bits<float16>(bits + 1)) : 65536;
    for (const float at : {value, value + (next - value) / 2}) {
      for (const float beside : {at, std::nextafter(at, 0.0f), std::nextafter(at, 1e30f)}) {
        expect_rounded_as_by_the_compiler(std::bit_cast<std::uint32_t>(beside));
        expect_rounded_as_by_the_compiler(std::bit_cast<std::uint32_t>(-beside));
      }
    }
  }
}
#endif

TEST(Float16, EndsOfItsRange) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(static_cast<float>(float16(65504.0f)), 65504.0f);
  EXPECT_EQ(static_cast<float>(float16(65519.0f)), 65504.0f);
  EXPECT_EQ(static_cast<float>(float16(65520.0f)), kInfinity);
  EXPECT_EQ(static_cast<float>(float16(-1e9f)), -kInfinity);
  const float smallest = std::ldexp(1.0f, -24);
  EXPECT_EQ(static_cast<float>(float16(smallest)), smallest);
  EXPECT_EQ(static_cast<float>(float16(smallest / 2)), 0.0f);
  EXPECT_EQ(static_cast<float>(float16(0.75f * smallest)), smallest);
  EXPECT_TRUE(std::isnan(static_cast<float>(float16(std::nanf("")))));
}

}  // namespace
}  // namespace moe
