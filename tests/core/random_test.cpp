// The generator against its published vectors, and the distributions made from it.
#include "core/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace moe {
namespace {

using Words = std::array<std::uint32_t, 4>;

/// Philox4x32-10 as the paper writes it, with every word of counter and key free.
Words reference_philox(Words counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t left = 0xD2511F53ull * counter[0], right = 0xCD9E8D57ull * counter[2];
    counter = {static_cast<std::uint32_t>(right >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(right),
               static_cast<std::uint32_t>(left >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(left)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

Words words(const PhiloxBlock& block) {
  return {block.word[0], block.word[1], block.word[2], block.word[3]};
}

// Vectors: kat_vectors of the Random123 library by the paper's authors.
TEST(Philox, ReferenceGivesTheKnownAnswers) {
  constexpr std::uint32_t kOnes = 0xffffffffu;
  EXPECT_EQ(reference_philox({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(reference_philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      reference_philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, GivesTheKnownAnswerOfZero) {
  EXPECT_EQ(words(philox(0, RandomStream{0}, 0)),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
}

TEST(Philox, CounterHoldsIndexThenStreamAndTheKeyIsTheSeed) {
  const std::uint64_t seed = 0x299f31d0a4093822ull, index = 0x85a308d3243f6a88ull;
  EXPECT_EQ(words(philox(seed, RandomStream::w_up, index)),
            reference_philox({0x243f6a88, 0x85a308d3, 4, 0}, {0xa4093822, 0x299f31d0}));
}

TEST(Philox, SeedStreamAndIndexAllMatter) {
  const std::set<Words> blocks = {
      words(philox(1, RandomStream::x, 1)),          words(philox(2, RandomStream::x, 1)),
      words(philox(1, RandomStream::d_out, 1)),      words(philox(1, RandomStream::x, 2)),
      words(philox(1ull << 32, RandomStream::x, 1)), words(philox(1, RandomStream::x, 1ull << 32))};
  EXPECT_EQ(blocks.size(), 6u);
}

TEST(RandomNormal, HasMeanZeroDeviationOneAndBounds) {
  constexpr int kCount = 1 << 20;
  double sum = 0, squares = 0, cubes = 0, largest = 0;
  for (int i = 0; i < kCount; ++i) {
    const double value = random_normal(42, RandomStream::tests, i);
    sum += value;
    squares += value * value;
    cubes += value * value * value;
    largest = std::max(largest, std::abs(value));
  }
  EXPECT_NEAR(sum / kCount, 0, 0.004);  // four deviations of the mean
  EXPECT_NEAR(squares / kCount, 1, 0.006);
  EXPECT_NEAR(cubes / kCount, 0, 0.02);
  EXPECT_GT(largest, 3.5);
  EXPECT_LE(largest, 4.9);
}

TEST(RandomUniform, FillsTheUnitInterval) {
  constexpr int kCount = 1 << 18;
  double sum = 0;
  float smallest = 1, largest = 0;
  for (int i = 0; i < kCount; ++i) {
    const float value = random_uniform(7, RandomStream::tests, i);
    EXPECT_EQ(value * 16777216.0f, std::floor(value * 16777216.0f));
    sum += value;
    smallest = std::min(smallest, value);
    largest = std::max(largest, value);
  }
  EXPECT_NEAR(sum / kCount, 0.5, 0.003);
  EXPECT_GE(smallest, 0.0f);
  EXPECT_LT(smallest, 1e-4f);
  EXPECT_GT(largest, 0.9999f);
  EXPECT_LT(largest, 1.0f);
}

TEST(RandomBelow, ReachesEveryNumberEquallyOften) {
  constexpr std::uint32_t kBound = 7;
  constexpr int kCount = 70000;
  std::vector<int> counts(kBound);
  for (int i = 0; i < kCount; ++i) ++counts.at(random_below(3, RandomStream::tests, i, kBound));
  for (int count : counts) EXPECT_NEAR(count, kCount / 7, 400);  // four deviations
  EXPECT_EQ(random_below(3, RandomStream::tests, 5, 1), 0u);
}

}  // namespace
}  // namespace moe
