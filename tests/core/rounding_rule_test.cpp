// The random and balancing rules of token rounding: their probabilities, their units, their bounds.
#include "core/rounding_rule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace moe {
namespace {

constexpr int kDraws = 20000;
constexpr double kFourDeviations = 4 * 0.5 / 141.4;  // of a frequency over kDraws

TEST(StochasticGoesUp, AsOftenAsTheSurplusSays) {
  for (std::int64_t surplus : {1, 32, 64, 100, 127}) {
    int ups = 0;
    for (int draw = 0; draw < kDraws; ++draw) ups += stochastic_goes_up(draw, 5, surplus, 128);
    EXPECT_NEAR(double{ups * 1.0} / kDraws, surplus / 128.0, kFourDeviations) << surplus;
  }
}

TEST(StochasticGoesUp, DrawsForEveryExpertAndSeedAnew) {
  int by_expert = 0, by_seed = 0;
  for (int i = 0; i < 1000; ++i) {
    by_expert += stochastic_goes_up(1, i, 8, 16) != stochastic_goes_up(1, i + 1, 8, 16);
    by_seed += stochastic_goes_up(i, 3, 8, 16) != stochastic_goes_up(i + 1, 3, 8, 16);
  }
  EXPECT_NEAR(by_expert, 500, 100);
  EXPECT_NEAR(by_seed, 500, 100);
}

TEST(ScoreUnits, AreSharesOfTheScaleRoundedDown) {
  EXPECT_EQ(score_units(1.0f, 1.0f), 1u << 24);
  EXPECT_EQ(score_units(2.5f, 2.5f), 1u << 24);
  EXPECT_EQ(score_units(0x1p-24f, 1.0f), 1u);
  EXPECT_EQ(score_units(0x1.8p-24f, 1.0f), 1u);
  EXPECT_EQ(score_units(0x1p-25f, 1.0f), 0u);
  EXPECT_EQ(score_units(1e30f, 1.0f), std::uint64_t{1} << 32);
  EXPECT_EQ(score_units(0.0f, 1.0f), 0u);
  EXPECT_EQ(score_units(std::numeric_limits<float>::quiet_NaN(), 1.0f), 0u);
}

TEST(ScoreGoesUp, AsOftenAsTheScoresSay) {
  for (const auto& [dropped, added] : {std::pair(1, 3), std::pair(7, 1), std::pair(5, 5)}) {
    int ups = 0;
    for (int draw = 0; draw < kDraws; ++draw) ups += score_goes_up(draw, 2, dropped, added);
    EXPECT_NEAR(double{ups * 1.0} / kDraws, dropped / double(dropped + added), kFourDeviations);
  }
}

TEST(ScoreGoesUp, IsCertainWhereOneSideIsNothing) {
  for (int draw = 0; draw < 1000; ++draw) {
    EXPECT_TRUE(score_goes_up(draw, 0, 17, 0));
    EXPECT_FALSE(score_goes_up(draw, 0, 0, 17));
    EXPECT_FALSE(score_goes_up(draw, 0, 0, 0));
  }
}

TEST(BalanceGoesUp, KeepsTheResidualWithinHalfATile) {
  for (std::int64_t tile : {2, 7, 8, 128}) {
    std::int64_t residual = 0;
    for (int i = 0; i < 5000; ++i) {
      const std::int64_t surplus =
          1 + random_below(9, RandomStream::tests, i, static_cast<std::uint32_t>(tile - 1));
      residual += (balance_goes_up(residual, surplus, tile) ? tile : 0) - surplus;
      ASSERT_GE(residual, -tile / 2);
      ASSERT_LE(residual, (tile - 1) / 2) << "a tie goes down";
    }
  }
}

}  // namespace
}  // namespace moe
