// From a routing to the figures of a record, on a routing small enough to count by hand.
#include "measure/run/load_report.h"

#include <gtest/gtest.h>

#include <cmath>

namespace moe::measure {
namespace {

LayerConfig four_experts() {
  LayerConfig config;
  config.hidden_dim = config.ffn_dim = 8;
  config.num_experts = 4;
  config.top_k = 1;
  config.rounding = {RoundingRule::none, 2};
  return config;
}

/// Tokens 0 to 5 choose experts 0 0 0 1 1 2.
HostResult six_tokens() {
  HostResult result;
  result.logits.assign(6 * 4, 0.0f);
  result.chosen_experts = {0, 0, 0, 1, 1, 2};
  result.expert_offsets = {0, 3, 5, 6, 6};
  result.row_tokens = {0, 1, 2, 3, 4, 5};
  return result;
}

TEST(LoadRecord, CountsRowsPerExpert) {
  const record::Load load = load_record(four_experts(), six_tokens(), 6);
  EXPECT_EQ(load.used_experts, 3);
  EXPECT_DOUBLE_EQ(load.max_over_mean, 2);
  EXPECT_DOUBLE_EQ(load.min_over_mean, 0);
  EXPECT_DOUBLE_EQ(load.max_violation, 1);
  EXPECT_EQ(load.utilization, (std::vector<double>{2, 4.0 / 3, 2.0 / 3, 0}));
  EXPECT_EQ(load.utilization_before, load.utilization);
  EXPECT_DOUBLE_EQ(load.tile_waste, 8.0 / 6 - 1);
  EXPECT_DOUBLE_EQ(load.auxiliary_loss, 1) << "equal logits: E * sum f_e / E";
  EXPECT_NEAR(load.z_loss, std::log(4.0) * std::log(4.0), 1e-6);
}

TEST(LoadRecord, KeepsTheLoadBeforeRoundingApart) {
  LayerConfig config = four_experts();
  config.rounding.rule = RoundingRule::down;
  HostResult result = six_tokens();
  result.expert_offsets = {0, 2, 4, 4, 4};  // 3 2 1 0 rows, down to pairs
  result.row_tokens = {0, 1, 3, 4};
  const record::Load load = load_record(config, result, 6);
  EXPECT_EQ(load.used_experts, 2);
  EXPECT_EQ(load.utilization, (std::vector<double>{2, 2, 0, 0}));
  EXPECT_EQ(load.utilization_before, (std::vector<double>{2, 4.0 / 3, 2.0 / 3, 0}));

  const record::RoundingReport rounding = rounding_record(config, result, 6);
  EXPECT_EQ(rounding.rule, "down");
  EXPECT_EQ(rounding.tile, 2);
  EXPECT_EQ(rounding.dropped_pairs, 2);
  EXPECT_EQ(rounding.added_pairs, 0);
  EXPECT_EQ(rounding.largest_change, 1);
  EXPECT_EQ(rounding.tokens_without_expert, 2);
  EXPECT_DOUBLE_EQ(rounding.drop_rate, 2.0 / 6);
}

TEST(RoundingRecord, CountsAddedPairs) {
  LayerConfig config = four_experts();
  config.rounding.rule = RoundingRule::up;
  HostResult result = six_tokens();
  result.expert_offsets = {0, 4, 6, 8, 8};
  result.row_tokens = {0, 1, 2, 5, 3, 4, 0, 5};  // token 5 joins expert 0, token 0 expert 2
  const record::RoundingReport rounding = rounding_record(config, result, 6);
  EXPECT_EQ(rounding.added_pairs, 2);
  EXPECT_EQ(rounding.dropped_pairs, 0);
  EXPECT_EQ(rounding.tokens_without_expert, 0);
  EXPECT_DOUBLE_EQ(rounding.add_rate, 2.0 / 6);
}

}  // namespace
}  // namespace moe::measure
