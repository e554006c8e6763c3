// Token rounding: how many rows an expert gets, and which tokens.
#include "truth/rounding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "truth/router.h"

namespace moe::truth {
namespace {

using testing::ElementsAre;

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
      kept_tokens(config, logits.data(), std::vector<std::int32_t>{2, 0, 0, 0}.data(), 4);
  EXPECT_THAT(kept, ElementsAre(ElementsAre(1, 3), ElementsAre(), ElementsAre()));
}

TEST(Rounding, RanksAnAddedPairByTheDenominatorOfItsToken) {
  // Expert 0 chose nothing; its logits are equal, but token 1 has the smaller denominator.
  LayerConfig config = two_experts({RoundingRule::up, 3});
  config.gate.kind = GateKind::topk_softmax;
  const std::vector<float> logits = {1, 5, 1, 2, 9, 0, 9, 0};
  const auto kept =
      kept_tokens(config, logits.data(), std::vector<std::int32_t>{1, 1, 0, 0}.data(), 4);
  EXPECT_THAT(kept[0], ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace moe::truth
