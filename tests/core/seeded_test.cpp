// Seeded tensors: the same on any number of threads, and what the stream says.
#include "core/seeded.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <vector>

#include "moe/error.h"

namespace moe {
namespace {

constexpr std::int64_t kCount = 10007;

std::vector<float> filled_with(int num_threads, std::uint64_t seed, RandomStream stream) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(num_threads);
  std::vector<float> values(kCount);
  fill_normal({values.data(), DType::f32, {kCount}}, seed, stream, 0.02f);
  omp_set_num_threads(before);
  return values;
}

TEST(FillNormal, IsTheSameOnOneAndFourThreads) {
  EXPECT_EQ(filled_with(1, 5, RandomStream::x), filled_with(4, 5, RandomStream::x));
}

TEST(FillNormal, DiffersBySeedAndStream) {
  const auto values = filled_with(1, 5, RandomStream::x);
  EXPECT_NE(values, filled_with(1, 6, RandomStream::x));
  EXPECT_NE(values, filled_with(1, 5, RandomStream::d_out));
}

TEST(FillNormal, ScalesTheStream) {
  const auto values = filled_with(2, 5, RandomStream::x);
  for (std::int64_t i = 0; i < kCount; i += 100) {
    EXPECT_EQ(values[i], 0.02f * random_normal(5, RandomStream::x, i)) << i;
  }
}

TEST(FillNormal, RoundsTheSameNumbersToOtherTypes) {
  const auto values = filled_with(1, 5, RandomStream::x);
  std::vector<bfloat16> brains(kCount);
  std::vector<float16> halves(kCount);
  std::vector<double> doubles(kCount);
  fill_normal({brains.data(), DType::bf16, {kCount}}, 5, RandomStream::x, 0.02f);
  fill_normal({halves.data(), DType::f16, {kCount}}, 5, RandomStream::x, 0.02f);
  fill_normal({doubles.data(), DType::f64, {kCount}}, 5, RandomStream::x, 0.02f);
  for (std::int64_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(brains[i].bits, bfloat16(values[i]).bits) << i;
    ASSERT_EQ(halves[i].bits, float16(values[i]).bits) << i;
    ASSERT_EQ(doubles[i], static_cast<double>(values[i])) << i;
  }
}

TEST(FillNormal, RefusesIntegers) {
  std::int32_t value = 0;
  EXPECT_THROW(fill_normal({&value, DType::i32, {1}}, 5, RandomStream::x, 1), Error);
}

}  // namespace
}  // namespace moe
