// The rank test against counting and drawing; the interval against how often it holds the truth.
#include "compare/rank_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>

namespace moe::compare {
namespace {

using Values = std::vector<double>;

/// Pairs in which b is larger, ties half: the definition of U.
double pairs_won(const Values& a, const Values& b) {
  double won = 0;
  for (double x : a) {
    for (double y : b) won += y > x ? 1 : y == x ? 0.5 : 0;
  }
  return won;
}

/// Two-sided p by trying every way to split all values into two samples of these sizes.
double p_by_counting(const Values& a, const Values& b) {
  Values all = a;
  all.insert(all.end(), b.begin(), b.end());
  const double mean = static_cast<double>(a.size() * b.size()) / 2;
  const double distance = std::abs(pairs_won(a, b) - mean);
  double as_far = 0, ways = 0;
  for (unsigned in_b = 0; in_b < 1u << all.size(); ++in_b) {
    if (static_cast<std::size_t>(std::popcount(in_b)) != b.size()) continue;
    Values first, second;
    for (std::size_t i = 0; i < all.size(); ++i) {
      (in_b >> i & 1 ? second : first).push_back(all[i]);
    }
    ++ways;
    if (std::abs(pairs_won(first, second) - mean) >= distance) ++as_far;
  }
  return as_far / ways;
}

Values draw(std::mt19937& random, std::size_t count, double scale, double step = 0) {
  std::lognormal_distribution<double> distribution(0, 0.05);
  Values values(count);
  for (double& value : values) {
    value = scale * distribution(random);
    if (step > 0) value = std::round(value / step) * step;  // makes ties
  }
  return values;
}

TEST(RankTest, KnowsTheSmallestTable) {
  // Of the 20 ways to split 1 ... 6 in two, 2 are as far apart as this one.
  EXPECT_DOUBLE_EQ(rank_test({1, 2, 3}, {4, 5, 6}).p, 0.1);
  EXPECT_DOUBLE_EQ(rank_test({1, 2, 3}, {4, 5, 6}).larger_share, 1);
  EXPECT_DOUBLE_EQ(rank_test({4, 5, 6}, {1, 2, 3}).larger_share, 0);
  EXPECT_DOUBLE_EQ(rank_test({1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}).p, 2.0 / 252);
}

TEST(RankTest, IsExactForFewSamplesWithAndWithoutTies) {
  std::mt19937 random(1);
  for (const double step : {0.0, 0.02, 0.2}) {
    for (const auto& [m, n] : {std::pair<std::size_t, std::size_t>{5, 5}, {3, 8}, {7, 4}, {1, 6}}) {
      const Values a = draw(random, m, 1, step), b = draw(random, n, 1.03, step);
      EXPECT_NEAR(rank_test(a, b).p, p_by_counting(a, b), 1e-12) << m << " and " << n;
      EXPECT_DOUBLE_EQ(rank_test(a, b).larger_share, pairs_won(a, b) / static_cast<double>(m * n));
    }
  }
}

TEST(RankTest, IsNearTheTruthForManySamples) {
  std::mt19937 random(2);
  for (const double step : {0.0, 0.05}) {
    const Values a = draw(random, 40, 1, step), b = draw(random, 30, 1.025, step);
    Values all = a;
    all.insert(all.end(), b.begin(), b.end());
    const double distance = std::abs(pairs_won(a, b) - 600);
    constexpr int kDraws = 20000;
    int as_far = 0;
    for (int i = 0; i < kDraws; ++i) {
      std::shuffle(all.begin(), all.end(), random);
      const Values first(all.begin(), all.begin() + 40), second(all.begin() + 40, all.end());
      as_far += std::abs(pairs_won(first, second) - 600) >= distance ? 1 : 0;
    }
    const double drawn = static_cast<double>(as_far) / kDraws;
    EXPECT_NEAR(rank_test(a, b).p, drawn, 0.002 + 4 * std::sqrt(drawn / kDraws)) << step;
  }
}

TEST(RankTest, EqualSamplesAreNoDifference) {
  EXPECT_DOUBLE_EQ(rank_test({2, 2, 2}, {2, 2, 2, 2}).p, 1);
  EXPECT_DOUBLE_EQ(rank_test(Values(60, 2.0), Values(60, 2.0)).p, 1);
  EXPECT_DOUBLE_EQ(rank_test({2, 2}, {2}).larger_share, 0.5);
}

TEST(RankTest, ManySamplesFarApartAreCertain) {
  std::mt19937 random(3);
  EXPECT_LT(rank_test(draw(random, 200, 1), draw(random, 200, 2)).p, 1e-60);
}

TEST(RatioEstimate, IsTheMedianOfAllRatios) {
  EXPECT_DOUBLE_EQ(estimate_ratio({2}, {3}, 0.99).ratio, 1.5);
  EXPECT_DOUBLE_EQ(estimate_ratio({1, 2}, {4, 8}, 0.99).ratio, 4);  // of 2, 4, 4, 8
  EXPECT_DOUBLE_EQ(estimate_ratio({1}, {2, 8}, 0.99).ratio, 4) << "the geometric middle";
}

TEST(RatioEstimate, FewSamplesHaveNoInterval) {
  const Values four{1, 2, 3, 4}, five{1, 2, 3, 4, 5};
  EXPECT_FALSE(estimate_ratio(four, five, 0.99).interval);
  const auto interval = estimate_ratio(five, five, 0.99).interval;
  ASSERT_TRUE(interval) << "2 of 252 splits lie outside: 99.2 %";
  EXPECT_DOUBLE_EQ(interval->low, 1.0 / 5);
  EXPECT_DOUBLE_EQ(interval->high, 5);
}

TEST(RatioEstimate, TheIntervalHoldsTheTruthAsOftenAsItSays) {
  std::mt19937 random(4);
  for (const std::size_t count : {std::size_t{8}, std::size_t{40}}) {  // counted out, and normal
    constexpr int kTrials = 1000;
    int missed = 0;
    for (int i = 0; i < kTrials; ++i) {
      const auto interval =
          estimate_ratio(draw(random, count, 1), draw(random, count, 1.1), 0.95).interval;
      ASSERT_TRUE(interval);
      missed += interval->low <= 1.1 && 1.1 <= interval->high ? 0 : 1;
    }
    EXPECT_LT(missed, 75) << count << " samples: 50 are expected, with a deviation of 7";
    EXPECT_GT(missed, 20) << count << " samples: an interval that is too wide decides nothing";
  }
}

TEST(RatioEstimate, ExcludesOneExactlyWhenTheTestIsSure) {
  std::mt19937 random(5);
  int sure = 0;
  for (int i = 0; i < 300; ++i) {
    const Values a = draw(random, 12, 1), b = draw(random, 10, 1.04);
    const auto interval = estimate_ratio(a, b, 0.99).interval;
    const bool excludes = interval->low > 1 || interval->high < 1;
    EXPECT_EQ(excludes, rank_test(a, b).p <= 0.01);
    sure += excludes ? 1 : 0;
  }
  EXPECT_GT(sure, 30);
  EXPECT_LT(sure, 270);
}

}  // namespace
}  // namespace moe::compare
