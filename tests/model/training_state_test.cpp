// Weights, gradients and optimiser states, against the figures of the papers that name them.
#include "model/layer/training_state.h"

#include <gtest/gtest.h>

#include "moe/error.h"

namespace moe::model {
namespace {

// ZeRO's example (arXiv 1910.02054, section 3): 7.5 B parameters, 16-bit weights and gradients, K =
// 12: 120 GB; on 64 ranks 31.4, 16.6 and 1.9 GB.
TEST(TrainingState, ReproducesTheFigureOfTheZeroPaper) {
  const std::int64_t parameters = 7'500'000'000;
  const double expected_gb[] = {120, 31.4, 16.6, 1.9};
  for (int stage = 0; stage <= 3; ++stage) {
    const StateBytes bytes =
        training_state(parameters, DType::bf16, {.zero_stage = stage, .ranks = 64});
    EXPECT_NEAR(static_cast<double>(bytes.total()) / 1e9, expected_gb[stage], 0.06) << stage;
  }
}

TEST(TrainingState, CountsBytesPerParameter) {
  EXPECT_EQ(optimizer_bytes_per_parameter(Optimizer::adamw, DType::bf16), 12);
  EXPECT_EQ(optimizer_bytes_per_parameter(Optimizer::adamw, DType::f32), 8);
  EXPECT_EQ(optimizer_bytes_per_parameter(Optimizer::adamw_bf16, DType::bf16), 8);
  EXPECT_EQ(optimizer_bytes_per_parameter(Optimizer::sgd, DType::bf16), 8);
  EXPECT_EQ(optimizer_bytes_per_parameter(Optimizer::none, DType::bf16), 0);
}

// Megatron's rule: 18 bytes per parameter with float32 gradients, 6 + 12/DP when sharded.
TEST(TrainingState, IsMegatronsEighteenBytesWithFloatGradients) {
  StateRules rules{.gradient_dtype = DType::f32};
  EXPECT_EQ(training_state(1000, DType::bf16, rules).total(), 18'000);
  rules.zero_stage = 1;
  rules.ranks = 4;
  EXPECT_EQ(training_state(1000, DType::bf16, rules).total(), 6'000 + 3'000);
}

TEST(TrainingState, WithoutOptimizerHasGradientsAndInInferenceWeightsAlone) {
  StateRules rules{.optimizer = Optimizer::none};
  EXPECT_EQ(training_state(10, DType::bf16, rules).total(), 20 + 20);
  rules.gradients = false;
  const StateBytes bytes = training_state(10, DType::bf16, rules);
  EXPECT_EQ(bytes.weights, 20);
  EXPECT_EQ(bytes.total(), 20);
}

TEST(TrainingState, NeverGrowsWithStageOrRanks) {
  for (const std::int64_t parameters : {1LL, 7LL, 1000LL, 22'548'578'304LL}) {
    std::int64_t before_stage = INT64_MAX;
    for (int stage = 0; stage <= 3; ++stage) {
      std::int64_t before_rank = INT64_MAX;
      for (std::int64_t ranks = 1; ranks <= 4096; ranks *= 2) {
        const StateBytes bytes =
            training_state(parameters, DType::bf16, {.zero_stage = stage, .ranks = ranks});
        EXPECT_LE(bytes.total(), before_rank);
        before_rank = bytes.total();
      }
      EXPECT_LE(before_rank, before_stage);
      before_stage = before_rank;
    }
  }
}

TEST(TrainingState, RefusesWhatIsNoRule) {
  EXPECT_THROW(training_state(1, DType::bf16, {.zero_stage = 4}), Error);
  EXPECT_THROW(training_state(1, DType::bf16, {.zero_stage = -1}), Error);
  EXPECT_THROW(training_state(1, DType::bf16, {.ranks = 0}), Error);
}

}  // namespace
}  // namespace moe::model
