// The search for plans, and serving.
#include "model/step/scaling.h"

#include <gtest/gtest.h>

#include "model/step/serving.h"
#include "moe/error.h"
#include "setups.h"

namespace moe::model {
namespace {

TEST(LeastMemory, NeverRisesWithMoreGpus) {
  for (const char* config : {"deepseek-v3", "qwen3-30b-a3b", "mixtral-8x7b"}) {
    const TrainingSetup setup = setup_of(config);
    double before = least_memory(setup, {}, 8);
    for (std::int64_t gpus = 16; gpus <= 16'384; gpus *= 2) {
      const double now = least_memory(setup, {}, gpus);
      EXPECT_LE(now, before) << config << " on " << gpus;
      before = now;
    }
  }
}

TEST(BestPlan, HasNoRateWhereNothingFits) {
  const TrainingSetup setup = setup_of("deepseek-v3");
  const auto eight = best_plan(setup, {}, 8, default_factors());
  ASSERT_TRUE(eight);
  EXPECT_FALSE(eight->fits);
  EXPECT_EQ(eight->base, 0);
  EXPECT_GT(eight->memory.total(), 80e9);
}

// 671 B parameters at 18 bytes are 12.1 TB: at least 151 GPUs of 80 GB.
TEST(FewestGpus, HoldTheStatesOfDeepSeekV3) {
  const TrainingSetup setup = setup_of("deepseek-v3");
  const auto fewest = fewest_gpus(setup, {});
  ASSERT_TRUE(fewest);
  EXPECT_GE(*fewest, 151);
  EXPECT_LE(*fewest, 256);
  const auto plan = best_plan(setup, {}, *fewest, default_factors());
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->fits);
  EXPECT_LT(plan->low, plan->base);
  EXPECT_LT(plan->base, plan->high);
  EXPECT_FALSE(best_plan(setup, {}, *fewest / 16 * 8, default_factors())->fits);
}

TEST(FewestGpus, IsNothingWhenNoNumberIsEnough) {
  EXPECT_FALSE(fewest_gpus(setup_of("deepseek-v3"), {}, 64));
}

TEST(BestPlan, KeepsToWishes) {
  PlanWishes wishes;
  wishes.expert = 64;
  wishes.pipeline = 16;
  wishes.tensor = 1;
  const auto plan = best_plan(setup_of("deepseek-v3"), wishes, 2048, default_factors());
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->plan.expert, 64);
  EXPECT_EQ(plan->plan.pipeline, 16);
  EXPECT_EQ(plan->plan.data(), 128);
}

TEST(BestPlan, IsFasterOnABetterNetwork) {
  TrainingSetup setup = setup_of("deepseek-v3");
  const double usual = best_plan(setup, {}, 1024, default_factors())->base;
  setup.network.infiniband.bytes_per_s *= 4;
  EXPECT_GT(best_plan(setup, {}, 1024, default_factors())->base, usual);
}

ServingSetup serving_of(const char* config, ServingPhase phase) {
  const TrainingSetup training = setup_of(config);
  ServingSetup setup;
  setup.model = training.model;
  setup.gpu = training.gpu;
  setup.network = training.network;
  setup.phase = phase;
  setup.bytes_per_weight = 1;
  return setup;
}

TEST(Serving, EightH100DoNotHoldDeepSeekV3EvenInEightBits) {
  const ServingSetup setup = serving_of("deepseek-v3", ServingPhase::decode);
  const ServingResult eight = best_serving(setup, 8, default_factors());
  EXPECT_FALSE(eight.fits);
  EXPECT_EQ(eight.base, 0);
  EXPECT_EQ(fewest_serving_gpus(setup), 16);
}

TEST(Serving, WeightsAreOfTheWholeModelOnOneGpu) {
  const ServingSetup setup = serving_of("qwen3-30b-a3b", ServingPhase::decode);
  const ServingResult one = best_serving(setup, 1, default_factors());
  ASSERT_TRUE(one.fits);
  EXPECT_NEAR(one.memory.weights / 1e9, 30.5, 0.2);
  EXPECT_EQ(one.plan.expert, 1);
  EXPECT_EQ(one.parts.exchange, 0);
}

TEST(Serving, DecodingOneSequenceReadsWhatItNeedsNoFasterThanTheMemory) {
  ServingSetup setup = serving_of("qwen3-30b-a3b", ServingPhase::decode);
  setup.sequences = 1;
  const ServingResult one = best_serving(setup, 1, default_factors());
  EXPECT_LT(one.high, setup.gpu.memory_bytes_per_s / one.memory.weights * 1.01);
  setup.sequences = 64;
  EXPECT_GT(best_serving(setup, 1, default_factors()).base, 20 * one.base);
}

TEST(Serving, LongerContextsCostCacheAndTime) {
  ServingSetup setup = serving_of("qwen3-30b-a3b", ServingPhase::decode);
  setup.sequences = 16;
  const ServingResult brief = best_serving(setup, 1, default_factors());
  setup.context *= 4;
  const ServingResult extended = best_serving(setup, 1, default_factors());
  EXPECT_DOUBLE_EQ(extended.memory.cache, 4 * brief.memory.cache);
  EXPECT_LT(extended.base, brief.base);
}

TEST(Serving, MoreThanTheDatasheetIsADefect) {
  ServingSetup setup = serving_of("qwen3-30b-a3b", ServingPhase::prefill);
  setup.bytes_per_weight = 2;
  FactorRange factors = default_factors();
  factors.base.gemm_efficiency = factors.base.attention_efficiency = 50;
  factors.base.memory_efficiency = 1000;
  factors.base.layer_latency_s = 1e-9;
  EXPECT_NO_THROW(best_serving(setup, 1, default_factors()));
  try {
    best_serving(setup, 1, factors);
    FAIL() << "faster than the hardware";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
  }
}

TEST(Serving, PrefillIsFasterPerTokenThanDecode) {
  ServingSetup setup = serving_of("qwen3-30b-a3b", ServingPhase::prefill);
  setup.sequences = 4;
  const double prefill = best_serving(setup, 1, default_factors()).base;
  setup.phase = ServingPhase::decode;
  EXPECT_GT(prefill, best_serving(setup, 1, default_factors()).base);
}

}  // namespace
}  // namespace moe::model
