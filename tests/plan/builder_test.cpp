// Where buffers are put: never over one that is alive, and over one that is not.
#include "plan/builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "config/presets.h"
#include "moe/error.h"
#include "plan/requests.h"

namespace moe::plan {
namespace {

constexpr DeviceTraits kAlignedTo64 = {};

/// A builder with forward steps f0 .. f2 and backward steps b0 .. b2, numbered 0 to 5.
Builder six_steps(const DeviceTraits& traits = kAlignedTo64) {
  Builder builder(Request{}, traits);
  for (const char* name : {"f0", "f1", "f2"}) builder.forward_step(name, 0, 0);
  for (const char* name : {"b0", "b1", "b2"}) builder.backward_step(name, 0, 0);
  return builder;
}

std::size_t aligned(std::size_t bytes, std::size_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

bool share_a_step(const Buffer& a, const Buffer& b) {
  return std::max(a.first_step, b.first_step) <= std::min(a.last_step, b.last_step);
}

bool share_a_byte(const Buffer& a, const Buffer& b) {
  return a.region == b.region &&
         std::max(a.offset, b.offset) < std::min(a.offset + a.bytes, b.offset + b.bytes);
}

std::size_t region_bytes(const Plan& plan, Region region) {
  return region == Region::saved ? plan.saved_bytes : plan.workspace_bytes;
}

void expect_sound(const Plan& plan, std::size_t alignment) {
  const int num_steps = static_cast<int>(plan.forward.size() + plan.backward.size());
  for (const Buffer& a : plan.buffers) {
    EXPECT_EQ(a.offset % alignment, 0u) << a.name;
    EXPECT_LE(a.offset + a.bytes, region_bytes(plan, a.region)) << a.name;
    EXPECT_GE(a.first_step, 0) << a.name;
    EXPECT_LE(a.first_step, a.last_step) << a.name;
    EXPECT_LT(a.last_step, num_steps) << a.name;
    for (const Buffer& b : plan.buffers) {
      if (&a == &b || !share_a_byte(a, b)) continue;
      EXPECT_FALSE(share_a_step(a, b)) << a.name << " and " << b.name << " lie on each other";
    }
  }
}

/// What is alive together at the worst step: no placement can need less.
std::size_t fewest_workspace_bytes(const Plan& plan, std::size_t alignment) {
  std::size_t most = 0;
  for (int step = 0; step < static_cast<int>(plan.forward.size() + plan.backward.size()); ++step) {
    std::size_t alive = 0;
    for (const Buffer& buffer : plan.buffers) {
      const bool lives = buffer.first_step <= step && step <= buffer.last_step;
      if (buffer.region == Region::workspace && lives) alive += aligned(buffer.bytes, alignment);
    }
    most = std::max(most, alive);
  }
  return most;
}

TEST(Builder, DisjointLivesShareAnAddress) {
  Builder builder = six_steps();
  builder.workspace("early", DType::f32, {100}, "f0", "f1");
  builder.workspace("late", DType::f32, {100}, "f2", "b0");
  const Plan plan = builder.finish();
  EXPECT_EQ(find_buffer(plan, "early")->offset, find_buffer(plan, "late")->offset);
  EXPECT_EQ(plan.workspace_bytes, 448u);  // 400 up to the next 64
}

TEST(Builder, LivesThatTouchInOneStepDoNot) {
  Builder builder = six_steps();
  builder.workspace("a", DType::f32, {100}, "f0", "f1");
  builder.workspace("b", DType::f32, {100}, "f1", "f2");
  const Plan plan = builder.finish();
  EXPECT_NE(find_buffer(plan, "a")->offset, find_buffer(plan, "b")->offset);
  EXPECT_EQ(plan.workspace_bytes, 2 * 448u);
}

TEST(Builder, FillsTheGapThatADeadBufferLeaves) {
  Builder builder = six_steps();
  builder.workspace("all_along", DType::i64, {100});             // 800 bytes, placed first
  builder.workspace("early", DType::i64, {80}, "f0", "f0");      // 640 bytes behind it
  builder.workspace("late", DType::i64, {72}, "f1", "b2");       // 576 bytes in early's place
  builder.workspace("small_late", DType::i64, {8}, "f0", "b2");  // behind both
  const Plan plan = builder.finish();
  EXPECT_EQ(find_buffer(plan, "early")->offset, 832u);
  EXPECT_EQ(find_buffer(plan, "late")->offset, 832u);
  EXPECT_EQ(find_buffer(plan, "small_late")->offset, 832u + 640u);
  expect_sound(plan, 64);
}

TEST(Builder, SavedBuffersLieOneAfterTheOtherAndLiveToTheEnd) {
  Builder builder = six_steps({.alignment = 256});
  builder.saved("first", DType::bf16, {3, 7});
  builder.saved("second", DType::i32, {5});
  const Plan plan = builder.finish();
  EXPECT_EQ(find_buffer(plan, "first")->bytes, 42u);
  EXPECT_EQ(find_buffer(plan, "second")->offset, 256u);
  EXPECT_EQ(find_buffer(plan, "second")->first_step, 0);
  EXPECT_EQ(find_buffer(plan, "second")->last_step, 5);
  EXPECT_EQ(plan.saved_bytes, 512u);
  EXPECT_EQ(plan.workspace_bytes, 0u);
}

TEST(LayOut, PlacesAChangedPlanAnewAndAnUnchangedOneAlike) {
  Builder builder = six_steps();
  builder.saved("kept", DType::f32, {100});
  builder.workspace("early", DType::f32, {100}, "f0", "f1");
  builder.workspace("late", DType::f32, {200}, "f1", "b0");
  Plan plan = builder.finish();
  const Plan again = lay_out(plan, 64);
  EXPECT_EQ(again.saved_bytes, plan.saved_bytes);
  EXPECT_EQ(again.workspace_bytes, plan.workspace_bytes);
  plan.buffers[1].last_step = 0;  // now early and late may share
  plan.buffers[0].bytes = 10;
  const Plan changed = lay_out(plan, 64);
  EXPECT_EQ(changed.saved_bytes, 64u);
  EXPECT_EQ(changed.workspace_bytes, 832u);
}

TEST(Builder, InferenceHasNoBackwardSteps) {
  Builder builder(Request{.training = false}, kAlignedTo64);
  builder.forward_step("f0", 0, 0);
  builder.backward_step("b0", 0, 0);
  EXPECT_THROW(builder.workspace("d_a", DType::f32, {1}, "b0", "b0"), Error);
  EXPECT_TRUE(builder.finish().backward.empty());
}

TEST(Builder, RefusesAnUnknownStep) {
  Builder builder = six_steps();
  EXPECT_THROW(builder.workspace("a", DType::f32, {1}, "f0", "f3"), Error);
}

TEST(EveryPlan, HasNoTwoLiveBuffersOnEachOther) {
  for (const Algorithm& algorithm : algorithms()) {
    for (const DeviceTraits& traits : devices()) {
      for (Request request : requests()) {
        for (const bool training : {true, false}) {
          request.training = training;
          SCOPED_TRACE(algorithm.name + " " + describe(request));
          expect_sound(algorithm.plan(request, traits), traits.alignment);
        }
      }
    }
  }
}

TEST(EveryPlan, HasEachBufferNameOnce) {
  for (const Algorithm& algorithm : algorithms()) {
    for (const Request& request : requests()) {
      const Plan plan = algorithm.plan(request, devices()[1]);
      std::set<std::string> names;
      for (const Buffer& buffer : plan.buffers)
        EXPECT_TRUE(names.insert(buffer.name).second) << buffer.name;
    }
  }
}

/// First fit may leave gaps. At shapes that people run they stay below one part in twenty, or a
/// variant would look greedier than it is.
TEST(EveryPlan, WorkspaceIsNearTheLeastPossible) {
  for (const ModelConfig& model : config::presets()) {
    for (const Algorithm& algorithm : algorithms()) {
      for (const DeviceTraits& traits : devices()) {
        for (const bool training : {true, false}) {
          SCOPED_TRACE(model.name + " " + algorithm.name);
          const Plan plan =
              algorithm.plan(request_for(model.layer, model.tokens(), training), traits);
          const std::size_t least = fewest_workspace_bytes(plan, traits.alignment);
          EXPECT_GE(plan.workspace_bytes, least);
          EXPECT_LE(static_cast<double>(plan.workspace_bytes), 1.05 * static_cast<double>(least));
        }
      }
    }
  }
}

}  // namespace
}  // namespace moe::plan
