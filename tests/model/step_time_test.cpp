// Plans, their memory and their times: what must hold whatever the factors are.
#include "model/step/step_time.h"

#include <gmock/gmock.h>

#include "model/layer/model_parts.h"
#include "moe/error.h"
#include "setups.h"

namespace moe::model {
namespace {

ParallelPlan plain_plan() {
  return {.gpus = 64, .expert = 8, .micro_batch = 1, .global_batch = 1024};
}

TEST(ParallelPlan, SaysWhyItIsImpossible) {
  const ModelConfig model = setup_of("qwen3-30b-a3b").model;
  EXPECT_FALSE(plan_problem(plain_plan(), model));
  ParallelPlan plan = plain_plan();
  plan.expert = 3;
  EXPECT_THAT(*plan_problem(plan, model), ::testing::HasSubstr("EP 3 does not divide"));
  plan = plain_plan();
  plan.tensor = 3;
  EXPECT_THAT(*plan_problem(plan, model), ::testing::HasSubstr("does not divide 64 GPUs"));
  plan = plain_plan();
  plan.global_batch = 63;
  EXPECT_THAT(*plan_problem(plan, model), ::testing::HasSubstr("fewer than 64 ranks"));
  plan = plain_plan();
  plan.pipeline = 64;
  plan.expert = 1;
  EXPECT_THAT(*plan_problem(plan, model), ::testing::HasSubstr("64 stages for 48 layers"));
}

TEST(PlanMemory, CountsEighteenBytesPerParameterOnOneGpu) {
  const TrainingSetup setup = setup_of("olmoe-1b-7b");
  const MemoryParts memory = plan_memory({.gpus = 1, .micro_batch = 1, .global_batch = 1}, setup);
  const double parameters = model_parts(setup.model).total;
  EXPECT_NEAR(memory.weights + memory.gradients + memory.optimizer, 18 * parameters, 1e3);
}

TEST(PlanMemory, ExpertParallelismDividesExpertsAlone) {
  const TrainingSetup setup = setup_of("qwen3-30b-a3b");
  ParallelPlan plan = plain_plan();
  const double with_eight = plan_memory(plan, setup).weights;
  plan.expert = 1;
  const double alone = plan_memory(plan, setup).weights;
  const ModelParts parts = model_parts(setup.model);
  EXPECT_NEAR(alone - with_eight, 2 * 48 * parts.routed_experts * 7 / 8, 1e3);
}

TEST(PlanMemory, RecomputationTradesActivationsForTime) {
  const TrainingSetup setup = setup_of("qwen3-30b-a3b");
  ParallelPlan plan = plain_plan();
  const MemoryParts kept = plan_memory(plan, setup);
  const StepParts fast = step_time(plan, setup, default_factors().base);
  plan.recompute = true;
  EXPECT_LT(plan_memory(plan, setup).activations, kept.activations / 4);
  EXPECT_GT(step_time(plan, setup, default_factors().base).total(), fast.total());
  EXPECT_EQ(fast.recompute, 0);
}

TEST(PlanMemory, SonicKeepsLessThanGroupedGemm) {
  TrainingSetup setup = setup_of("qwen3-30b-a3b");
  const double sonic = plan_memory(plain_plan(), setup).activations;
  setup.variant = "grouped_gemm";
  EXPECT_LT(sonic, plan_memory(plain_plan(), setup).activations / 1.5);
}

TEST(StepTime, OneExpertRankExchangesNothing) {
  const TrainingSetup setup = setup_of("qwen3-30b-a3b");
  ParallelPlan plan = plain_plan();
  EXPECT_GT(step_time(plan, setup, default_factors().low).all_to_all, 0);
  plan.expert = 1;
  const StepParts step = step_time(plan, setup, default_factors().low);
  EXPECT_EQ(step.all_to_all, 0);
  EXPECT_EQ(step.imbalance, 0);
}

TEST(StepTime, BubblesFollowTheSchedule) {
  TrainingSetup setup = setup_of("qwen3-30b-a3b");
  ParallelPlan plan = plain_plan();
  EXPECT_EQ(step_time(plan, setup, default_factors().base).bubble, 0);
  plan.pipeline = 8;
  const StepParts plain = step_time(plan, setup, default_factors().base);
  const double busy = plain.total() - plain.bubble - plain.reduction - plain.optimizer;
  EXPECT_NEAR(plain.bubble / busy, 7.0 / static_cast<double>(plan.micro_batches()), 1e-9);
  plan.schedule = Schedule::zero_bubble;
  EXPECT_NEAR(step_time(plan, setup, default_factors().base).bubble, plain.bubble / 3, 1e-9);
  plan.schedule = Schedule::one_f_one_b;
  plan.virtual_stages = 2;
  EXPECT_NEAR(step_time(plan, setup, default_factors().base).bubble, plain.bubble / 2, 1e-9);
}

TEST(StepTime, AMeasuredLayerTakesTheRooflinesPlace) {
  const TrainingSetup setup = setup_of("qwen3-30b-a3b");
  const MeasuredLayer measured{{1e-3, 2e-3, Origin::measured}, 2048};
  const StepParts step = step_time(plain_plan(), setup, default_factors().base, measured);
  EXPECT_NEAR(step.moe, 1024 / 64 * 48 * 3e-3 * 2, 1e-9) << "twice the tokens, twice the time";
}

TEST(StepTime, MoreThanTheDatasheetIsADefect) {
  const TrainingSetup setup = setup_of("qwen3-30b-a3b");
  Factors factors = default_factors().base;
  factors.gemm_efficiency = factors.attention_efficiency = 50;  // set_factor() refuses that
  factors.traffic = 0.001;
  factors.host_s = 1e-9;
  factors.all_to_all_overlap = 1;
  const StepParts step = step_time(plain_plan(), setup, factors);
  try {
    tokens_per_s_per_gpu(plain_plan(), setup, step);
    FAIL() << "faster than the hardware";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
  }
}

TEST(SetFactor, RefusesUnknownNamesAndValuesWithoutMeaning) {
  FactorRange factors = default_factors();
  EXPECT_THROW(set_factor(factors, "gem_efficiency", 0.5), Error);
  EXPECT_THROW(set_factor(factors, "traffic", 0), Error);
  EXPECT_THROW(set_factor(factors, "all_to_all_overlap", 1.5), Error);
  EXPECT_NO_THROW(set_factor(factors, "all_to_all_overlap", 0));
  EXPECT_THROW(set_factor(factors, "gemm_efficiency", 1.01), Error) << "above the datasheet";
  EXPECT_NO_THROW(set_factor(factors, "gemm_efficiency", 1));
  EXPECT_THROW(set_factor(factors, "imbalance", 0.9), Error) << "the busiest is below the mean";
  EXPECT_THROW(set_factor(factors, "host_s", std::numeric_limits<double>::infinity()), Error);
  EXPECT_THROW(set_factor(factors, "host_s", std::nan("")), Error);
}

TEST(Factors, LowBaseAndHighAreInOrderOfThroughput) {
  const TrainingSetup setup = setup_of("qwen3-30b-a3b");
  const FactorRange factors = default_factors();
  for (const FactorRule& rule : factor_rules()) {
    Factors low = factors.base, high = factors.base;
    low.*rule.member = rule.low;
    high.*rule.member = rule.high;
    const double slow = step_time(plain_plan(), setup, low).total();
    const double base = step_time(plain_plan(), setup, factors.base).total();
    const double fast = step_time(plain_plan(), setup, high).total();
    EXPECT_GE(slow * (1 + 1e-9), base) << rule.name;
    EXPECT_GE(base * (1 + 1e-9), fast) << rule.name;
  }
}

}  // namespace
}  // namespace moe::model
