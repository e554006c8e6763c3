// What the program prints, before it is printed.
#include "model/step/estimate.h"

#include <gtest/gtest.h>

#include "model/layer/layer_cost.h"
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
  ASSERT_TRUE(sonic.saving);
  EXPECT_NEAR(*sonic.saving, 1 - sonic.cost.gpu_hours / baseline.cost.gpu_hours, 1e-12);
}

TEST(Estimate, SavesNothingAgainstABaselineThatDoesNotFit) {
  EstimateRequest request = request_of("deepseek-v3", 256);
  request.wishes.micro_batch = 2;
  request.wishes.recompute =
      false;  // then what sonic keeps fits and what grouped_gemm keeps does not
  const Estimate result = estimate(request);
  const EstimateRow& sonic = row_of(result, Scope::model, "sonic");
  EXPECT_EQ(sonic.gpus, 256);
  EXPECT_FALSE(sonic.saving);
  EXPECT_THROW(row_of(result, Scope::model, "grouped_gemm"), std::runtime_error) << "it fits";
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
  EXPECT_FALSE(sonic.saving) << "measured against modelled says nothing";
}

TEST(Estimate, WhatStandsOnAMeasuredLayerIsModelledAndSaysSo) {
  EstimateRequest request = request_of("qwen3-30b-a3b", 64);
  request.measured["sonic"] = {{10e-3, 20e-3, Origin::measured}, request.training.model.tokens()};
  const Estimate result = estimate(request);
  for (const Scope scope : {Scope::moe_layers, Scope::model}) {
    const EstimateRow& row = row_of(result, scope, "sonic");
    EXPECT_EQ(row.origin, Origin::modelled) << "one layer was run, not " << name_of(scope);
    EXPECT_EQ(row.layer_origin, Origin::measured);
    EXPECT_EQ(row_of(result, scope, "grouped_gemm").layer_origin, Origin::modelled);
  }
  EXPECT_EQ(result.scaling.front().layer_origin, Origin::measured);
}

TEST(Estimate, AMeasurementWithOtherTokensIsScaledAndNoMeasurementAnyMore) {
  EstimateRequest request = request_of("qwen3-30b-a3b", 64);
  request.measured["sonic"] = {{10e-3, 20e-3, Origin::measured},
                               2 * request.training.model.tokens()};
  const EstimateRow row = row_of(estimate(request), Scope::layer, "sonic");
  EXPECT_EQ(row.origin, Origin::modelled);
  EXPECT_EQ(row.layer_origin, Origin::measured);
  EXPECT_NEAR(row.base, static_cast<double>(request.training.model.tokens()) / 15e-3, 1e-6);
}

TEST(Estimate, ServingTakesForwardPassesOfTheSameTokensAlone) {
  EstimateRequest request = request_of("qwen3-30b-a3b", 8);
  request.workload = Workload::decode;
  request.serving.phase = ServingPhase::decode;
  const auto origin_with = [&](std::int64_t tokens, bool training) {
    request.measured["sonic"] = {{1e-3, training ? 2e-3 : 0, Origin::measured}, tokens, training};
    return row_of(estimate(request), Scope::layer, "sonic").origin;
  };
  EXPECT_EQ(origin_with(layer_tokens(request), false), Origin::measured);
  EXPECT_EQ(origin_with(layer_tokens(request), true), Origin::modelled) << "that kept H";
  EXPECT_EQ(origin_with(4096, false), Origin::modelled) << "reading weights does not scale";
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

// 1.4 times the 16-bit peak is less than the 8-bit one, which bfloat16 products cannot use.
TEST(Estimate, ABfloat16LayerIsHeldAgainstTheBfloat16Peak) {
  EstimateRequest request = request_of("qwen3-30b-a3b", 64);
  const LayerConfig& layer = request.training.model.layer;
  const std::int64_t tokens = request.training.model.tokens();
  const double flops = 3 * layer_flops(layer, tokens, tokens * layer.top_k).forward;
  const double too_fast = flops / (1.4 * request.training.gpu.bf16_flops_per_s);
  request.measured["sonic"] = {{too_fast / 3, 2 * too_fast / 3, Origin::measured}, tokens};
  EXPECT_THROW(estimate(request), Error);
}

TEST(Estimate, ALayerOfNoModelScalesByItsExperts) {
  EstimateRequest request = request_of("medium", 1);
  request.training.model.batch_size = 1;
  const Estimate result = estimate(request);
  ASSERT_FALSE(result.scaling.empty());
  const EstimateRow& one = result.scaling.front();
  EXPECT_EQ(one.gpus, 1);
  EXPECT_EQ(one.plan, "EP 1");
  EXPECT_EQ(one.base, row_of(result, Scope::layer, "sonic").base) << "one rank has no exchange";
  const EstimateRow& many = result.scaling.back();
  EXPECT_EQ(many.plan, "EP 64") << "256 GPUs do not divide 64 experts";
  EXPECT_LT(many.memory_bytes, one.memory_bytes);
  EXPECT_LT(many.base, one.base) << "exchanges are not free";
  EXPECT_LT(many.low, many.base);
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
