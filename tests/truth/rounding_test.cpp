// Token rounding: how many rows an expert gets, and which tokens.
#include "truth/rounding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "truth/router.h"

namespace moe::truth {
namespace {

using testing::ElementsAre;

std::int64_t rounded_rows(const Rounding& rounding, std::int64_t count, std::int64_t tokens) {
  return truth::rounded_rows(rounding, std::vector{count}, tokens, 0).front();
}

TEST(RoundedRows, FollowTheRule) {
  const Rounding nearest{RoundingRule::nearest, 4}, up{RoundingRule::up, 4},
      down{RoundingRule::down, 4};
  EXPECT_EQ(rounded_rows(nearest, 5, 100), 4);
  EXPECT_EQ(rounded_rows(nearest, 6, 100), 4) << "a tie goes down";
  EXPECT_EQ(rounded_rows(nearest, 7, 100), 8);
  EXPECT_EQ(rounded_rows(up, 5, 100), 8);
  EXPECT_EQ(rounded_rows(down, 7, 100), 4);
  EXPECT_EQ(rounded_rows(down, 3, 100), 0);
  for (const Rounding& rounding : {nearest, up, down}) {
    EXPECT_EQ(rounded_rows(rounding, 0, 100), 0);
    EXPECT_EQ(rounded_rows(rounding, 8, 100), 8);
    EXPECT_EQ(rounded_rows(rounding, 7, 7), 4) << "8 rows of 7 tokens cannot be";
  }
  EXPECT_EQ(rounded_rows({RoundingRule::none, 4}, 7, 100), 7);
}

/// Two experts, K = 1: the logits of expert 0, expert 1 having 0 everywhere.
std::vector<float> against_zero(const std::vector<float>& logits) {
  std::vector<float> both;
  for (float logit : logits) both.insert(both.end(), {logit, 0.0f});
  return both;
}

LayerConfig two_experts(Rounding rounding) {
  LayerConfig config;
  config.num_experts = 2;
  config.top_k = 1;
  config.gate.kind = GateKind::softmax_topk;
  config.gate.renormalize = false;
  config.rounding = rounding;
  return config;
}

TEST(Rounding, DropsTheLowestScoresAndOfTiesTheLaterToken) {
  const std::vector<float> logits = against_zero({1, 2, 1, 3, 1, -1, -1});
  const RoutedRows routed = route(two_experts({RoundingRule::down, 4}), logits.data(), nullptr, 7);
  EXPECT_THAT(routed.expert_offsets, ElementsAre(0, 4, 4));
  EXPECT_THAT(routed.row_tokens, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(routed.token_offsets, ElementsAre(0, 1, 2, 3, 4, 4, 4, 4));
}

TEST(Rounding, AddsTheBestUnchosenAndOfTiesTheEarlierToken) {
  // Chosen by expert 0: tokens 1 and 4. It needs two more: token 3, then one of the equals 2 and 5.
  const std::vector<float> logits = against_zero({-5, 1, -2, -1, 0.5, -2, -3});
  const RoutedRows routed = route(two_experts({RoundingRule::up, 4}), logits.data(), nullptr, 7);
  EXPECT_THAT(routed.expert_offsets, ElementsAre(0, 4, 8 - 4 + 4));
  EXPECT_THAT(std::vector(routed.row_tokens.begin(), routed.row_tokens.begin() + 4),
              ElementsAre(1, 2, 3, 4));
  EXPECT_NEAR(routed.row_scores[1], std::exp(-2.0) / (std::exp(-2.0) + 1), 1e-12);
}

TEST(Rounding, PrefersChosenPairsToBetterUnchosenOnes) {
  // Token 0 chooses expert 2 although its score for expert 0 is the highest of all; K = 1, three
  // experts.
  LayerConfig config = two_experts({RoundingRule::down, 1});
  config.num_experts = 3;
  config.gate.kind = GateKind::sigmoid;
  config.rounding.tile = 2;
  const std::vector<float> logits = {4, -9, 5,  //
                                     1, -9, 0,  //
                                     1, -9, 0,  //
                                     2, -9, 0};
  const auto kept =
      kept_tokens(config, logits.data(), std::vector<std::int32_t>{2, 0, 0, 0}.data(), 4, 0);
  EXPECT_THAT(kept, ElementsAre(ElementsAre(1, 3), ElementsAre(), ElementsAre()));
}

TEST(Rounding, RanksAnAddedPairByTheDenominatorOfItsToken) {
  // Expert 0 chose nothing; its logits are equal, but token 1 has the smaller denominator.
  LayerConfig config = two_experts({RoundingRule::up, 3});
  config.gate.kind = GateKind::topk_softmax;
  const std::vector<float> logits = {1, 5, 1, 2, 9, 0, 9, 0};
  const auto kept =
      kept_tokens(config, logits.data(), std::vector<std::int32_t>{1, 1, 0, 0}.data(), 4, 0);
  EXPECT_THAT(kept[0], ElementsAre(1, 2, 3));
}

TEST(RoundedRows, OfBalanceFollowTheResidual) {
  const auto balanced = [](std::vector<std::int64_t> counts, std::int64_t tokens) {
    return truth::rounded_rows({RoundingRule::balance, 8}, counts, tokens, 0);
  };
  EXPECT_THAT(balanced({4, 4, 4, 4}, 100), ElementsAre(0, 8, 0, 8)) << "a tie goes down";
  EXPECT_THAT(balanced({3, 3, 3, 16, 4}, 100), ElementsAre(0, 8, 0, 16, 8));
  EXPECT_THAT(balanced({7, 7, 2}, 7), ElementsAre(0, 0, 0)) << "8 rows of 7 tokens cannot be";
}

TEST(RoundedRows, OfTheStochasticRuleAreKeptOnAverage) {
  double rows = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const auto both = truth::rounded_rows({RoundingRule::stochastic, 8}, {3, 13}, 100, seed);
    ASSERT_THAT(both, ElementsAre(testing::AnyOf(0, 8), testing::AnyOf(8, 16)));
    rows += static_cast<double>(both[0] + both[1]);
  }
  EXPECT_NEAR(rows / 2000, 16, 0.5);
}

/// Two chosen tokens beside 2 tokens that expert 0 could add, tile 4.
double frequency_of_up(float chosen, float other) {
  LayerConfig config = two_experts({RoundingRule::stochastic_score, 4});
  config.gate = {.kind = GateKind::sigmoid, .renormalize = false, .scale = 2.5f};
  const std::vector<float> logits = {chosen, -9, chosen, -9, other, 9, other, 9};
  const std::vector<std::int32_t> choice = {0, 0, 1, 1};
  int ups = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    ups += kept_tokens(config, logits.data(), choice.data(), 4, seed)[0].size() == 4;
  }
  return ups / 2000.0;
}

TEST(Rounding, ByScoresGoesUpAsOftenAsTheyAreWorth) {
  EXPECT_NEAR(frequency_of_up(1.0f, 1.0f), 0.5, 0.05);
  const double high = 1 / (1 + std::exp(-2.0)), low = 1 / (1 + std::exp(1.0));
  EXPECT_NEAR(frequency_of_up(2.0f, -1.0f), high / (high + low), 0.05);
  EXPECT_EQ(frequency_of_up(2.0f, -40.0f), 1) << "nothing worth adding, so nothing lost by it";
}

}  // namespace
}  // namespace moe::truth
