// Load metrics on examples small enough to work out by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "routing/load.h"
#include "routing/routed.h"

namespace moe::routing {
namespace {

constexpr double kExact = 1e-12;

LayerConfig with_tile(LayerConfig config, std::int64_t tile) {
  config.rounding.tile = tile;
  return config;
}

TEST(LoadMetrics, OfAnUnevenLoad) {
  const LoadMetrics load = load_metrics(with_tile(layer(4, 2), 3), {2, 4, 0, 2}, 4);  // mean 2
  EXPECT_EQ(load.used_experts, 3);
  EXPECT_NEAR(load.max_over_mean, 2, kExact);
  EXPECT_NEAR(load.min_over_mean, 0, kExact);
  EXPECT_NEAR(load.max_violation, 1, kExact);
  EXPECT_NEAR(load.cv, std::sqrt(2.0) / 2, kExact);  // squares 0 4 4 0
  EXPECT_NEAR(load.cv_random, 0.5, kExact);          // sqrt(0.5 / (4 * 0.5))
  EXPECT_NEAR(load.entropy, 0.75, kExact);           // (1/2 ln 2 + 1/2 ln 4) / ln 4
  EXPECT_NEAR(load.gini, 0.375, kExact);             // (-3*0 - 2 + 2 + 3*4) / (4 * 8)
  EXPECT_NEAR(load.tile_waste, 0.5, kExact);         // (3 + 6 + 0 + 3) / 8 - 1
  EXPECT_THAT(load.utilization, testing::ElementsAre(1, 2, 0, 1));
}

TEST(LoadMetrics, OfAnEvenLoad) {
  const LoadMetrics load = load_metrics(with_tile(layer(4, 1), 2), {6, 6, 6, 6}, 24);
  EXPECT_EQ(load.used_experts, 4);
  EXPECT_NEAR(load.max_over_mean, 1, kExact);
  EXPECT_NEAR(load.min_over_mean, 1, kExact);
  EXPECT_NEAR(load.max_violation, 0, kExact);
  EXPECT_NEAR(load.cv, 0, kExact);
  EXPECT_NEAR(load.entropy, 1, kExact);
  EXPECT_NEAR(load.gini, 0, kExact);
  EXPECT_NEAR(load.tile_waste, 0, kExact);
}

TEST(LoadMetrics, OfOneExpertThatTakesAll) {
  const LoadMetrics load = load_metrics(layer(4, 1), {0, 0, 8, 0}, 8);
  EXPECT_EQ(load.used_experts, 1);
  EXPECT_NEAR(load.max_over_mean, 4, kExact);
  EXPECT_NEAR(load.entropy, 0, kExact);
  EXPECT_NEAR(load.gini, 0.75, kExact);  // 1 - 1/E
  EXPECT_NEAR(load.cv, std::sqrt(3.0), kExact);
}

TEST(LoadMetrics, OfTheOnlyExpert) {
  const LoadMetrics load = load_metrics(layer(1, 1), {5}, 5);
  EXPECT_NEAR(load.entropy, 1, kExact);
  EXPECT_NEAR(load.gini, 0, kExact);
  EXPECT_NEAR(load.cv_random, 0, kExact);
}

TEST(LoadMetrics, OfNoRowsAreZero) {
  const LoadMetrics load = load_metrics(layer(3, 1), {0, 0, 0}, 2);
  EXPECT_EQ(load.used_experts, 0);
  EXPECT_EQ(load.max_over_mean, 0);
  EXPECT_EQ(load.cv, 0);
  EXPECT_EQ(load.tile_waste, 0);
  EXPECT_THAT(load.utilization, testing::ElementsAre(0, 0, 0));
}

TEST(LoadMetrics, OfRoundedRowsUseTheirOwnMean) {
  const LoadMetrics load = load_metrics(with_tile(layer(2, 1), 4), {8, 4}, 10);
  EXPECT_NEAR(load.max_over_mean, 8 / 6.0, kExact);
  EXPECT_NEAR(load.tile_waste, 0, kExact);
}

TEST(RouterLosses, OfTwoTokens) {
  // Softmax 1/2 1/2 and 3/4 1/4; logsumexp ln 2 and ln 4.
  const std::vector<float> logits = {0, 0, std::log(3.0f), 0};
  const RouterLosses losses = router_losses(layer(2, 1), logits.data(), {2, 0}, 2);
  EXPECT_NEAR(losses.auxiliary, 2 * 0.625, 1e-6);
  EXPECT_NEAR(losses.z, 2.5 * std::log(2.0) * std::log(2.0), 1e-6);
}

TEST(RouterLosses, AreOneWhenUniform) {
  const std::vector<float> logits(6 * 4, 1000.0f);  // as large as would overflow exp
  const RouterLosses losses = router_losses(layer(4, 2), logits.data(), {3, 3, 3, 3}, 6);
  EXPECT_NEAR(losses.auxiliary, 1, kExact);
  EXPECT_NEAR(losses.z, std::pow(1000 + std::log(4.0), 2), 1e-6);
}

TEST(RoundingEffect, CountsDroppedAndAddedPairs) {
  // chosen: expert 0 has tokens 0 1 2 3, expert 1 has 0 1, expert 2 has 2 3
  const std::vector<std::int32_t> chosen = {0, 1, 1, 0, 0, 2, 2, 0};
  // after:  expert 0 keeps 0 1,          expert 1 gains 2,   expert 2 loses both
  const std::vector<std::int32_t> offsets = {0, 2, 5, 5}, row_tokens = {0, 1, 0, 1, 2};
  const RoundingEffect effect =
      rounding_effect(layer(3, 2), chosen.data(), offsets.data(), row_tokens.data(), 4);
  EXPECT_EQ(effect.dropped_pairs, 4);
  EXPECT_EQ(effect.added_pairs, 1);
  EXPECT_EQ(effect.largest_change, 2);
  EXPECT_EQ(effect.tokens_without_expert, 1);  // token 3
  EXPECT_EQ(effect.tokens_with_fewer, 2);      // tokens 2 and 3
  EXPECT_NEAR(effect.drop_rate, 0.5, kExact);
  EXPECT_NEAR(effect.add_rate, 0.125, kExact);
}

TEST(RoundingEffect, OfNoRoundingIsNothing) {
  const LayerConfig config = layer(8, 2);
  const Choice choice = choose(config, seeded(50 * 8, 61));
  const RowArrays rows = rows_of(config, choice);
  const RoundingEffect effect =
      rounding_effect(config, choice.experts.data(), rows.offsets.data(), rows.tokens.data(), 50);
  EXPECT_EQ(effect.dropped_pairs, 0);
  EXPECT_EQ(effect.added_pairs, 0);
  EXPECT_EQ(effect.largest_change, 0);
  EXPECT_EQ(effect.tokens_with_fewer, 0);
}

}  // namespace
}  // namespace moe::routing
