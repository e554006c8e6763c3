// What the program prints, before it is printed.
#include "model/estimate.h"

#include <gtest/gtest.h>

#include "moe/error.h"
#include "setups.h"

namespace moe::model {
namespace {

EstimateRequest request_of(const char* config, std::int64_t gpus) {
  EstimateRequest request;
  request.training = setup_of(config);
  request.serving.model = request.training.model;
  request.serving.gpu = request.training.gpu;
  request.serving.network = request.training.network;
  request.variants = {"grouped_gemm", "sonic"};
  request.baseline = "grouped_gemm";
  request.gpus = {gpus};
  request.scaling = {64, 256};
  return request;
}

const EstimateRow& row_of(const Estimate& result, Scope scope, const std::string& variant) {
  for (const EstimateRow& row : result.rows) {
    if (row.scope == scope && row.variant == variant && row.fits) return row;
  }
  throw std::runtime_error("no such row");
}

TEST(Estimate, EightH100TrainLayersOfDeepSeekV3ButNotTheModel) {
  const EstimateRequest request = request_of("deepseek-v3", 8);
  const Estimate result = estimate(request);
  EXPECT_EQ(row_of(result, Scope::layer, "sonic").gpus, 8);
  const EstimateRow& model = row_of(result, Scope::model, "sonic");
  ASSERT_TRUE(result.fewest);
  EXPECT_EQ(model.gpus, *result.fewest) << "the smallest number that fits takes the place of 8";
  for (const EstimateRow& row : result.rows) {
    if (row.scope == Scope::model && row.gpus == 8) {
      EXPECT_FALSE(row.fits);
      EXPECT_EQ(row.base, 0);
      EXPECT_EQ(row.cost.usd, 0);
    }
  }
}

TEST(Estimate, MoeLayersAreTheLayerManyTimes) {
  const Estimate result = estimate(request_of("deepseek-v3", 8));
  EXPECT_NEAR(row_of(result, Scope::layer, "sonic").base,
              58 * row_of(result, Scope::moe_layers, "sonic").base, 1e-6);
}

TEST(Estimate, ThePriceChangesCostLinesAlone) {
  EstimateRequest request = request_of("qwen3-30b-a3b", 64);
  const Estimate cheap = estimate(request);
  request.cost.price_per_gpu_hour *= 2;
  const Estimate dear = estimate(request);
  ASSERT_EQ(cheap.rows.size(), dear.rows.size());
  for (std::size_t i = 0; i < cheap.rows.size(); ++i) {
    EXPECT_DOUBLE_EQ(dear.rows[i].cost.usd, 2 * cheap.rows[i].cost.usd);
    EXPECT_EQ(dear.rows[i].base, cheap.rows[i].base);
    EXPECT_EQ(dear.rows[i].cost.days, cheap.rows[i].cost.days);
    EXPECT_EQ(dear.rows[i].cost.gpu_hours, cheap.rows[i].cost.gpu_hours);
    EXPECT_EQ(dear.rows[i].saving, cheap.rows[i].saving);
    EXPECT_EQ(dear.rows[i].plan, cheap.rows[i].plan);
  }
}

TEST(Estimate, SavingsAreOfGpuHoursAgainstTheBaseline) {
  const Estimate result = estimate(request_of("qwen3-30b-a3b", 64));
  const EstimateRow& baseline = row_of(result, Scope::model, "grouped_gemm");
  const EstimateRow& sonic = row_of(result, Scope::model, "sonic");
  EXPECT_EQ(baseline.saving, 0);
  EXPECT_NEAR(sonic.saving, 1 - sonic.cost.gpu_hours / baseline.cost.gpu_hours, 1e-12);
}

TEST(Estimate, MeasuredTimesAreTaggedAndUsed) {
  EstimateRequest request = request_of("qwen3-30b-a3b", 64);
  request.measured["sonic"] = {{10e-3, 20e-3, Origin::measured}, request.training.model.tokens()};
  const Estimate result = estimate(request);
  const EstimateRow& sonic = row_of(result, Scope::layer, "sonic");
  EXPECT_EQ(sonic.origin, Origin::measured);
  EXPECT_NEAR(sonic.base, static_cast<double>(request.training.model.tokens()) / 30e-3, 1e-6);
  EXPECT_EQ(sonic.low, sonic.high) << "a measurement is no range";
  EXPECT_EQ(row_of(result, Scope::layer, "grouped_gemm").origin, Origin::modelled);
}

TEST(Estimate, AMeasurementAboveTheDatasheetIsRefused) {
  EstimateRequest request = request_of("qwen3-30b-a3b", 64);
  request.measured["sonic"] = {{1e-6, 1e-6, Origin::measured}, request.training.model.tokens()};
  try {
    estimate(request);
    FAIL() << "faster than the hardware";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
  }
}

TEST(Estimate, LayersAloneWhereTheModelIsUnknown) {
  const Estimate result = estimate(request_of("medium", 1));
  EXPECT_FALSE(result.fewest);
  for (const EstimateRow& row : result.rows) EXPECT_NE(row.scope, Scope::model);
}

TEST(Estimate, AZeroBandwidthNetworkIsRefused) {
  EstimateRequest request = request_of("qwen3-30b-a3b", 64);
  request.training.network.infiniband.bytes_per_s = 0;
  EXPECT_THROW(estimate(request), Error);
}

TEST(Estimate, ServingHasACostPerMillionTokens) {
  EstimateRequest request = request_of("qwen3-30b-a3b", 8);
  request.workload = Workload::decode;
  request.serving.phase = ServingPhase::decode;
  const EstimateRow row = row_of(estimate(request), Scope::model, "sonic");
  EXPECT_GT(row.base, 0);
  EXPECT_NEAR(row.cost.usd_per_million_tokens, 3.50 / 3600 / row.base * 1e6, 1e-9);
}

}  // namespace
}  // namespace moe::model
