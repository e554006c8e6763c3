// Replaying a recorded choice: rows that equal those of the router that made it, whatever the gate
// and the rounding.
#include "routing/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moe/error.h"
#include "routing/routed.h"

namespace moe::routing {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

constexpr std::int64_t kTokens = 60;

/// The choice of a gate, as a trace holds it.
TraceLayer recorded(const LayerConfig& config, const std::vector<float>& logits) {
  const Choice choice = choose(config, logits);
  return {choice.experts, choice.scores, logits};
}

/// Rows of the same choice by the router's own way.
RowArrays routed_rows(const LayerConfig& config, const std::vector<float>& logits) {
  const Choice choice = choose(config, logits);
  RowArrays rows(config.num_experts, max_routed_rows(config, kTokens));
  if (config.rounding.rule == RoundingRule::none) {
    build_rows(config, choice.experts.data(), choice.scores.data(), kTokens, rows.view());
  } else {
    std::vector<std::byte> scratch(rounding_scratch_bytes(kTokens, 2));
    build_rounded_rows(config, logits.data(), choice.experts.data(), choice.scores.data(),
                       choice.norms.data(), kTokens, scratch.data(), scratch.size(), rows.view());
  }
  return rows;
}

TEST(Replay, GivesTheRowsOfTheRouterThatWasRecorded) {
  for (const Gate& gate : all_gates(4, 2)) {
    for (const Rounding rounding :
         {Rounding{}, Rounding{RoundingRule::nearest, 8}, Rounding{RoundingRule::up, 8},
          Rounding{RoundingRule::down, 8}}) {
      LayerConfig config = layer(12, 3, gate);
      config.rounding = rounding;
      SCOPED_TRACE(describe(config, kTokens));
      const std::vector<float> logits = seeded(kTokens * 12, 5);
      RowArrays expected = routed_rows(config, logits);
      const GivenRows rows = replay(config, recorded(config, logits), kTokens);
      const std::int32_t count = rows.expert_offsets.back();
      EXPECT_THAT(rows.expert_offsets, ElementsAreArray(expected.offsets));
      expected.trim();
      EXPECT_TRUE(
          std::equal(expected.tokens.begin(), expected.tokens.end(), rows.row_tokens.begin()));
      EXPECT_TRUE(
          std::equal(expected.scores.begin(), expected.scores.end(), rows.row_scores.begin()));
      EXPECT_EQ(rows.token_offsets.back(), count);
      EXPECT_EQ(rows.max_rows, max_routed_rows(config, kTokens));
      EXPECT_EQ(std::ssize(rows.row_tokens), rows.max_rows) << "devices copy whole arrays";
    }
  }
}

/// Three tokens that go to two of four experts, in an order that no gate would give.
TraceLayer by_hand() {
  return {{3, 0, 1, 3, 0, 1}, {0.9f, 0.1f, 0.6f, 0.4f, 0.3f, 0.7f}, {}};
}

TEST(Replay, TakesTheFirstTokens) {
  const GivenRows rows = replay(layer(4, 2), by_hand(), 2);
  EXPECT_THAT(rows.expert_offsets, ElementsAre(0, 1, 2, 2, 4));
  EXPECT_THAT(rows.row_tokens, ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(rows.row_scores, ElementsAre(0.1f, 0.6f, 0.9f, 0.4f));
  EXPECT_THAT(rows.token_offsets, ElementsAre(0, 2, 4));
  EXPECT_THAT(rows.token_rows, ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(rows.chosen_experts, ElementsAre(3, 0, 1, 3));
}

TEST(Replay, WithoutScoresEveryExpertWeighsTheSame) {
  TraceLayer layer_without = by_hand();
  layer_without.scores.clear();
  const GivenRows rows = replay(layer(4, 2), layer_without, 3);
  EXPECT_THAT(rows.row_scores, testing::Each(0.5f));
  EXPECT_THAT(rows.chosen_scores, testing::Each(0.5f));
}

TEST(Replay, WithLogitsAloneTheGateMakesTheScores) {
  for (const Gate& gate : all_gates()) {
    const LayerConfig config = layer(12, 3, gate);
    const std::vector<float> logits = seeded(kTokens * 12, 6);
    TraceLayer trace = recorded(config, logits);
    const std::vector<float> scores = std::exchange(trace.scores, {});
    EXPECT_EQ(replay(config, trace, kTokens).chosen_scores, scores) << describe(config, kTokens);
  }
}

/// Logits far apart: a denominator relative to the wrong choice would overflow.
TEST(Replay, TakesAChoiceInAnyOrder) {
  const TraceLayer reversed{{0, 1}, {}, {-200, 300}};
  EXPECT_THAT(replay(layer(2, 2), reversed, 1).chosen_scores, ElementsAre(0, 1));
}

TEST(Replay, RulesThatAddPairsNeedLogits) {
  LayerConfig config = layer(4, 2);
  for (const RoundingRule rule : {RoundingRule::nearest, RoundingRule::up}) {
    config.rounding = {rule, 2};
    EXPECT_THAT(replay_refusal(config, by_hand()).value_or(""), HasSubstr("adds pairs"));
    EXPECT_THROW(replay(config, by_hand(), 3), Error);
  }
  config.rounding = {RoundingRule::down, 2};
  EXPECT_EQ(replay_refusal(config, by_hand()), std::nullopt);
  const GivenRows rows = replay(config, by_hand(), 3);
  EXPECT_THAT(rows.expert_offsets, ElementsAre(0, 2, 4, 4, 6));
}

}  // namespace
}  // namespace moe::routing
