// Breakdowns and profiling passes: every step of the plan, and nothing of them in timed samples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "measure/comparison.h"
#include "measure/memory_need.h"

namespace moe::measure {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Breakdown, HasEveryStepOfThePlanWithItsFloor) {
  Comparison comparison;
  comparison.request.variants = {"grouped_gemm"};
  comparison.request.breakdown = true;
  comparison.run.copy_ceiling_bytes_per_s = 1e9;
  EXPECT_TRUE(comparison.execute());
  const record::Breakdown& breakdown = *comparison.row("grouped_gemm").breakdown;
  const VariantChoice choice = parse_variant(DeviceKind::cpu, "grouped_gemm");
  const Plan plan =
      choice.variant->plan(make_request(choice.config(comparison.request.model.layer), 96, true),
                           comparison.device.traits());
  ASSERT_EQ(breakdown.steps.size(), plan.forward.size() + plan.backward.size());
  for (std::size_t i = 0; i < breakdown.steps.size(); ++i) {
    const bool forward = i < plan.forward.size();
    const Step& step = forward ? plan.forward[i] : plan.backward[i - plan.forward.size()];
    EXPECT_EQ(breakdown.steps[i].step, step.name);
    EXPECT_EQ(breakdown.steps[i].phase, forward ? "forward" : "backward");
    EXPECT_GT(breakdown.steps[i].median_s, 0) << step.name << " is not marked by the variant";
    EXPECT_DOUBLE_EQ(breakdown.steps[i].floor_s, std::max(step.flops / 1e12, step.bytes / 1e9));
  }
  EXPECT_GT(breakdown.forward_host_s, 0);
  EXPECT_GT(*breakdown.backward_host_s, 0);
}

TEST(Breakdown, EveryVariantMarksEveryStep) {
  Comparison comparison;
  comparison.request.breakdown = true;
  comparison.request.model.layer.shared.ffn_dim = 16;
  EXPECT_TRUE(comparison.execute());
  for (const record::Row& row : comparison.run.rows) {
    for (const record::StepTime& step : row.breakdown->steps)
      EXPECT_GT(step.median_s, 0) << row.variant << ": " << step.step;
  }
}

TEST(Breakdown, IsOnlyMadeWhenAsked) {
  Comparison comparison;
  EXPECT_TRUE(comparison.execute());
  EXPECT_FALSE(comparison.row("sonic").breakdown.has_value());
  EXPECT_THAT(comparison.device.ranges, testing::Contains("sonic"));
  EXPECT_THAT(comparison.device.ranges, testing::Not(testing::Contains("up_proj")));
}

TEST(Profile, CollectsOneBoundedPassOfEachRow) {
  Comparison comparison;
  comparison.request.variants = {"vanilla"};
  describe_run(comparison.request, comparison.run);
  const BenchEvents events{[](const std::string&) {}, [](const record::Row&) {},
                           [] { return false; }};
  EXPECT_TRUE(profile_bench(comparison.device, comparison.request, events, comparison.run));
  EXPECT_THAT(comparison.device.ranges,
              ElementsAre("!", "vanilla", "forward", "router_logits", "choose", "permute",
                          "experts", "backward", "d_experts", "d_router", "!"));
  EXPECT_EQ(comparison.passes, 0);
  EXPECT_FALSE(comparison.row("vanilla").total.has_value());
}

}  // namespace
}  // namespace moe::measure
