// The chain of units, against figures that DeepSeek published for its own run.
#include "model/step/cost.h"

#include <gmock/gmock.h>

#include "moe/error.h"

namespace moe::model {
namespace {

// DeepSeek-V3: 14.8 T tokens in 2.664 M H800-hours at 2 USD; 3.7 days per 1 T on 2,048.
TEST(Cost, GivesDeepSeekV3sFigures) {
  const double rate = 14.8e12 / (2.664e6 * 3600);
  const Cost cost = cost_of(rate, {.gpus = 2048, .tokens_total = 14.8e12, .price_per_gpu_hour = 2});
  EXPECT_NEAR(cost.gpu_hours, 2.664e6, 1);
  EXPECT_NEAR(cost.usd, 5.328e6, 2);
  EXPECT_NEAR(cost.tokens_per_day / 1e9, 273, 1);
  EXPECT_NEAR(cost.days / 14.8, 3.66, 0.05);
}

TEST(Cost, EveryUnitFollowsFromTheOneBefore) {
  const CostRules rules{.gpus = 8,
                        .tokens_total = 1e12,
                        .price_per_gpu_hour = 3.5,
                        .goodput = 0.5,
                        .gpu_watts = 1000,
                        .pue = 1.2};
  const Cost cost = cost_of(1000, rules);
  EXPECT_DOUBLE_EQ(cost.tokens_per_s, 8000);
  EXPECT_DOUBLE_EQ(cost.tokens_per_day, 8000 * 86400.0 / 2);
  EXPECT_DOUBLE_EQ(cost.days, 1e12 / cost.tokens_per_day);
  EXPECT_DOUBLE_EQ(cost.gpu_days, 8 * cost.days);
  EXPECT_DOUBLE_EQ(cost.gpu_hours, 24 * cost.gpu_days);
  EXPECT_DOUBLE_EQ(cost.usd, 3.5 * cost.gpu_hours);
  EXPECT_DOUBLE_EQ(cost.usd_per_million_tokens, cost.usd / 1e6);
  EXPECT_DOUBLE_EQ(cost.energy_kwh, cost.gpu_hours * 1.2);
}

TEST(Cost, IsLinearInThePriceAndNothingElseChanges) {
  CostRules rules{.gpus = 64, .price_per_gpu_hour = 2, .gpu_watts = 700};
  const Cost cheap = cost_of(500, rules);
  rules.price_per_gpu_hour = 6;
  const Cost dear = cost_of(500, rules);
  EXPECT_DOUBLE_EQ(dear.usd, 3 * cheap.usd);
  EXPECT_DOUBLE_EQ(dear.usd_per_million_tokens, 3 * cheap.usd_per_million_tokens);
  EXPECT_EQ(dear.tokens_per_day, cheap.tokens_per_day);
  EXPECT_EQ(dear.days, cheap.days);
  EXPECT_EQ(dear.gpu_hours, cheap.gpu_hours);
  EXPECT_EQ(dear.energy_kwh, cheap.energy_kwh);
}

TEST(Cost, RefusesRulesWithoutMeaning) {
  EXPECT_THROW(cost_of(0, {}), Error);
  EXPECT_THROW(cost_of(1, {.gpus = 0}), Error);
  for (const double price : {-1.0, 1e300, std::nan("")}) {
    EXPECT_THROW(cost_of(1, {.price_per_gpu_hour = price}), Error) << price;
  }
  EXPECT_THROW(cost_of(1, {.tokens_total = std::numeric_limits<double>::infinity()}), Error);
  EXPECT_THROW(cost_of(1, {.gpu_watts = std::nan("")}), Error);
  EXPECT_THROW(cost_of(1, {.goodput = 1.1}), Error);
  EXPECT_THROW(cost_of(1, {.goodput = 0}), Error);
  EXPECT_THROW(cost_of(1, {.pue = 0.9}), Error);
}

// 1,543 tokens/s of 36.7 B active parameters: 340 TFLOP/s, 34 % of the H800's bfloat16 peak.
TEST(Utilization, IsModelFlopsOverPeak) {
  EXPECT_NEAR(utilization(1543, 6 * 36.7e9, 989.4e12), 0.343, 0.001);
}

TEST(Utilization, AboveTheDatasheetIsADefect) {
  try {
    utilization(144'676, 6 * 36.7e9, 989.4e12);  // 100 B tokens a day on 8 GPUs
    FAIL() << "32 times the peak was believed";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("3220 % of the GPU's datasheet peak"));
  }
}

}  // namespace
}  // namespace moe::model
