// Breakdowns and profiling passes: every step of the plan, and nothing of them in timed samples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "measure/comparison.h"
#include "measure/problem/memory_need.h"

namespace moe::measure {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

void expect_every_step(const std::string& variant) {
  SCOPED_TRACE(variant);
  Comparison comparison;
  comparison.request.variants = {variant};
  comparison.request.breakdown = true;
  comparison.request.model.layer.shared.ffn_dim = 16;
  comparison.run.copy_ceiling_bytes_per_s = 1e9;
  EXPECT_TRUE(comparison.execute());
  const record::Breakdown& breakdown = *comparison.row(variant).breakdown;
  const VariantChoice choice = parse_variant(DeviceKind::cpu, variant);
  const Plan plan =
      choice.variant->plan(make_request(choice.config(comparison.request.model.layer), 96, true),
                           comparison.device.traits());
  ASSERT_EQ(breakdown.steps.size(), plan.forward.size() + plan.backward.size());
  for (std::size_t i = 0; i < breakdown.steps.size(); ++i) {
    const bool forward = i < plan.forward.size();
    const Step& step = forward ? plan.forward[i] : plan.backward[i - plan.forward.size()];
    EXPECT_EQ(breakdown.steps[i].step, step.name);
    EXPECT_EQ(breakdown.steps[i].phase, forward ? "forward" : "backward");
    EXPECT_GT(breakdown.steps[i].median_s, 0) << step.name;
    EXPECT_DOUBLE_EQ(breakdown.steps[i].floor_s, std::max(step.flops / 1e12, step.bytes / 1e9));
  }
  EXPECT_GT(breakdown.forward_host_s, 0);
  EXPECT_GT(*breakdown.backward_host_s, 0);
}

TEST(Breakdown, HasEveryStepOfThePlanWithItsFloor) {
  for (const char* variant : {"grouped_gemm", "sonic", "sonic+rounding"})
    expect_every_step(variant);
}

TEST(Breakdown, LeavesOutAStepThatIsDoneInsideAnother) {
  Comparison comparison;
  comparison.request.variants = {"vanilla"};  // on the CPU it finds each expert's rows in its loop
  comparison.request.breakdown = true;
  EXPECT_TRUE(comparison.execute());
  std::vector<std::string> steps;
  for (const record::StepTime& step : comparison.row("vanilla").breakdown->steps)
    steps.push_back(step.step);
  EXPECT_THAT(steps, ElementsAre("router_logits", "choose", "experts", "d_experts", "d_router"));
}

TEST(Breakdown, HasTheHostsTimeForAReplayWhereThereIsAGraph) {
  Comparison comparison;
  comparison.request.breakdown = true;
  comparison.device.pretends_graphs = true;
  EXPECT_TRUE(comparison.execute());
  const record::Breakdown& breakdown = *comparison.row("sonic").breakdown;
  EXPECT_GT(*breakdown.forward_graph_host_s, 0);
  EXPECT_GT(*breakdown.backward_graph_host_s, 0);
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
              ElementsAre("!", "vanilla", "forward", "router_logits", "choose", "experts",
                          "backward", "d_experts", "d_router", "!"));
  EXPECT_EQ(comparison.passes, 0);
  EXPECT_FALSE(comparison.row("vanilla").total.has_value());
}

}  // namespace
}  // namespace moe::measure
