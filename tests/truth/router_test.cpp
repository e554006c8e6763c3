// Choice with ties, bias and groups; rows and their inverse; scores by hand.
#include "truth/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace moe::truth {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

LayerConfig gate_of(GateKind kind, std::int64_t num_experts, std::int64_t top_k) {
  LayerConfig config;
  config.num_experts = num_experts;
  config.top_k = top_k;
  config.gate.kind = kind;
  return config;
}

TEST(Choose, TakesTheBestAndOfTiesTheLowerExpert) {
  const float logits[] = {1, 3, 2, 3, 3};
  const LayerConfig config = gate_of(GateKind::topk_softmax, 5, 2);
  EXPECT_THAT(choose(config, logits, nullptr), ElementsAre(1, 3));
}

TEST(Choose, ComparesFloat32ToTheLastBit) {
  const float more = std::nextafter(1.0f, 2.0f);
  const float logits[] = {1.0f, more, 1.0f};
  EXPECT_THAT(choose(gate_of(GateKind::softmax_topk, 3, 2), logits, nullptr), ElementsAre(1, 0));
}

TEST(Choose, AddsTheBiasToTheSigmoid) {
  const float logits[] = {2, 1, 0};
  const float bias[] = {0, 0, 1};
  LayerConfig config = gate_of(GateKind::sigmoid, 3, 2);
  config.gate.selection_bias = true;
  EXPECT_THAT(choose(config, logits, bias), ElementsAre(2, 0));
}

TEST(Choose, SigmoidGroupsSumTheirBestTwo) {
  // Group 0 has the best single expert, group 1 the best two together.
  const float logits[] = {3, -9, -9, 1, 1, -9};
  LayerConfig config = gate_of(GateKind::sigmoid, 6, 2);
  config.gate.num_groups = 2;
  EXPECT_THAT(choose(config, logits, nullptr), ElementsAre(3, 4));
  config.gate.kind = GateKind::softmax_topk;
  EXPECT_THAT(choose(config, logits, nullptr), ElementsAre(0, 1))
      << "softmax groups go by their best";
}

TEST(Choose, GroupsOfOneAndEqualGroups) {
  const float logits[] = {1, 1, 1, 0};
  LayerConfig config = gate_of(GateKind::sigmoid, 4, 2);
  config.gate.num_groups = 4;
  config.gate.kept_groups = 2;
  EXPECT_THAT(choose(config, logits, nullptr), ElementsAre(0, 1));
}

TEST(NearlyChosen, AllowsOnlyWhatAFrameworkMayBreakInItsOwnWay) {
  const float logits[] = {1, 3, 3, 2, 2.9999995f, 0};
  const LayerConfig config = gate_of(GateKind::topk_softmax, 6, 2);
  const auto is_near = [&](std::vector<std::int32_t> choice) {
    return is_nearly_chosen(config, logits, nullptr, choice.data());
  };
  EXPECT_TRUE(is_near({1, 2})) << "the exact choice";
  EXPECT_TRUE(is_near({2, 1})) << "the tie, the other way round";
  EXPECT_TRUE(is_near({2, 4})) << "within 1e-6";
  EXPECT_FALSE(is_near({1, 3}));
  EXPECT_FALSE(is_near({3, 1}));
  EXPECT_FALSE(is_near({1, 1})) << "one expert twice";
  EXPECT_FALSE(is_near({1, 6})) << "no such expert";
  EXPECT_FALSE(is_near({1, -1}));
}

TEST(NearlyChosen, LetsTiedGroupsStandForEachOther) {
  const float logits[] = {3, 0, 3, 1, 1, 2};
  LayerConfig config = gate_of(GateKind::softmax_topk, 6, 1);
  config.gate.num_groups = 3;
  const auto is_near = [&](std::int32_t choice) {
    return is_nearly_chosen(config, logits, nullptr, &choice);
  };
  EXPECT_TRUE(is_near(0));
  EXPECT_TRUE(is_near(2)) << "group 1 ties with group 0";
  EXPECT_FALSE(is_near(5));
  EXPECT_FALSE(is_near(3));
}

TEST(Route, TakesAFrameworksChoiceOnlyWhereItTies) {
  const float logits[] = {2, 2, 1,   // token 0: a tie
                          3, 0, 1};  // token 1: none
  const std::int32_t choice[] = {1, 0, 0, 1};
  const RoutedRows routed =
      route(gate_of(GateKind::topk_softmax, 3, 2), logits, nullptr, 2, 0, choice);
  EXPECT_THAT(routed.chosen_experts, ElementsAre(1, 0, 0, 2));
}

TEST(Route, SortsRowsByExpertThenTokenAndInvertsThem) {
  const float logits[] = {0, 2, 1,   // token 0: experts 1, 2
                          3, 0, 1,   // token 1: 0, 2
                          1, 0, 2};  // token 2: 2, 0
  const RoutedRows routed = route(gate_of(GateKind::topk_softmax, 3, 2), logits, nullptr, 3);
  EXPECT_THAT(routed.chosen_experts, ElementsAre(1, 2, 0, 2, 2, 0));
  EXPECT_THAT(routed.expert_offsets, ElementsAre(0, 2, 3, 6));
  EXPECT_THAT(routed.row_tokens, ElementsAre(1, 2, 0, 0, 1, 2));
  EXPECT_THAT(routed.row_experts, ElementsAre(0, 0, 1, 2, 2, 2));
  EXPECT_THAT(routed.token_offsets, ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(routed.token_rows, ElementsAre(2, 3, 0, 4, 1, 5));
  const RoutedRows given = given_rows(routed.expert_offsets.data(), routed.row_tokens.data(),
                                      std::vector<float>(6, 0.5f).data(), 3, 3);
  EXPECT_TRUE(given.given());
  EXPECT_THAT(given.row_experts, ElementsAreArray(routed.row_experts));
  EXPECT_THAT(given.token_rows, ElementsAreArray(routed.token_rows));
}

TEST(Scores, ByHand) {
  const double logits[] = {0, std::log(2.0), std::log(5.0)};
  const std::int32_t chosen[] = {2, 1};
  LayerConfig config = gate_of(GateKind::topk_softmax, 3, 2);
  config.gate.scale = 2;
  const auto near = [](double a, double b, double c) {
    return ElementsAre(testing::DoubleNear(a, 1e-15), testing::DoubleNear(b, 1e-15),
                       testing::DoubleNear(c, 1e-15));
  };
  EXPECT_THAT(token_scores(config, logits, chosen), near(2.0 / 7, 4.0 / 7, 10.0 / 7));
  config.gate.kind = GateKind::softmax_topk;
  EXPECT_THAT(token_scores(config, logits, chosen), near(2.0 / 7, 4.0 / 7, 10.0 / 7));
  config.gate.renormalize = false;
  EXPECT_THAT(token_scores(config, logits, chosen), near(2.0 / 8, 4.0 / 8, 10.0 / 8));
  config.gate.kind = GateKind::sigmoid;  // sigmoids: 1/2, 2/3, 5/6
  EXPECT_THAT(token_scores(config, logits, chosen), near(1.0, 4.0 / 3, 5.0 / 3));
  config.gate.renormalize = true;  // their sum over the chosen: 3/2
  EXPECT_THAT(token_scores(config, logits, chosen), near(2.0 / 3, 8.0 / 9, 10.0 / 9));
}

}  // namespace
}  // namespace moe::truth
