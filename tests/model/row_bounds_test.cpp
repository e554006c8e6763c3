// Bounds on rounded rows, against the rule itself applied to many counts.
#include "model/layer/row_bounds.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "routing/rows.h"

namespace moe::model {
namespace {

/// Tokens of each expert under a random choice; `skew` 0 is even.
std::vector<std::int64_t> random_counts(const LayerConfig& config, std::int64_t tokens, double skew,
                                        std::mt19937& random) {
  std::vector<std::int64_t> counts(config.num_experts, 0);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (std::int64_t left = tokens * config.top_k; left > 0;) {
    const double place = std::pow(uniform(random), 1 + skew);
    const auto expert = static_cast<std::size_t>(place * static_cast<double>(counts.size()));
    if (counts[expert] == tokens) continue;  // a token chooses an expert once
    ++counts[expert];
    --left;
  }
  return counts;
}

TEST(RowBounds, HoldForEveryRuleAndRandomCounts) {
  std::mt19937 random(7);
  for (const RoundingRule rule : {RoundingRule::nearest, RoundingRule::up, RoundingRule::down,
                                  RoundingRule::stochastic, RoundingRule::balance}) {
    for (const std::int64_t tile : {1, 4, 16, 128}) {
      for (const std::int64_t tokens : {1, 15, 64, 100, 512}) {
        for (const double skew : {0.0, 1.0, 3.0}) {
          const LayerConfig config{.num_experts = 12, .top_k = 3, .rounding = {rule, tile}};
          const RowBounds bounds = row_bounds(config, tokens);
          std::int64_t rows = 0;
          for (std::int64_t count : routing::rounded_counts(
                   config.rounding, random_counts(config, tokens, skew, random), tokens)) {
            rows += count;
          }
          SCOPED_TRACE(std::string(name_of(rule)) + " tile " + std::to_string(tile) + " T " +
                       std::to_string(tokens));
          EXPECT_LE(bounds.least, rows);
          EXPECT_GE(bounds.most, rows);
          EXPECT_LE(bounds.most, max_routed_rows(config, tokens));
          EXPECT_EQ(bounds.least % tile, 0);
          EXPECT_EQ(bounds.most % tile, 0);
        }
      }
    }
  }
}

TEST(RowBounds, AreMetByTheWorstCounts) {
  // 4 experts, one pair each of 64 tokens: 16 rows per expert would be exact, 17, 17, 15, 15 are
  // not.
  const LayerConfig up{.num_experts = 4, .top_k = 1, .rounding = {RoundingRule::up, 16}};
  EXPECT_EQ(row_bounds(up, 64).least, 64);
  EXPECT_EQ(row_bounds(up, 64).most, 64 + 48);  // 17, 17, 17, 13 reach it: 32 + 32 + 32 + 16
  const LayerConfig down{.num_experts = 4, .top_k = 1, .rounding = {RoundingRule::down, 16}};
  EXPECT_EQ(row_bounds(down, 64).least, 16);  // 15, 15, 15, 19
  EXPECT_EQ(row_bounds(down, 64).most, 64);
}

TEST(RowBounds, AreOneNumberWithoutRounding) {
  const LayerConfig config{.num_experts = 8, .top_k = 2};
  EXPECT_EQ(row_bounds(config, 100).least, 200);
  EXPECT_EQ(row_bounds(config, 100).most, 200);
}

}  // namespace
}  // namespace moe::model
