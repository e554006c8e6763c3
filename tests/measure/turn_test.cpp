// What a turn begins with, and how many samples it gives.
#include "measure/run/turn.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "measure/fake_device.h"

namespace moe::measure {
namespace {

TEST(Settle, RunsUntilTheTimeIsUp) {
  FakeDevice device;
  int runs = 0;
  const auto work = [&] {
    ++runs;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  };
  settle(device, 0.005, work);
  EXPECT_GE(runs, 1);
  EXPECT_LE(runs, 3) << "three times 2 ms are over 5";
}

TEST(Settle, EndsThoughNoClockSeesTheWork) {
  FakeDevice device;
  int runs = 0;
  settle(device, 1e9, [&] { ++runs; });
  EXPECT_EQ(runs, 1000);
}

TEST(Settle, LeavesAProcessorAlone) {
  FakeDevice device;
  const TurnPace pace = turn_pace(device);
  EXPECT_EQ(pace.settle_s, 0);
  EXPECT_EQ(pace.samples, 1);
  settle(device, pace.settle_s, [] { FAIL() << "not at all for 0 seconds"; });
}

/// To settle is to be timed once more, forward and backward together.
TEST(Settle, ComesBeforeTheSamplesAndNotIntoThem) {
  FakeDevice device;
  int timings = 0;
  device.before_timing = [&] { ++timings; };
  const LayerConfig config = tests::layer(32, 24, 8, 2);
  const Request request = make_request(config, 96, true);
  const VariantChoice choice = parse_variant(DeviceKind::cpu, "sonic");
  const Plan plan = choice.variant->plan(request, device.traits());
  const Problem problem(device, config, 96, {}, 7);
  Workbench workbench(device, config, 96, request.max_rows, true,
                      plan.saved_bytes + plan.workspace_bytes);
  Trial trial(device, choice, plan, problem, workbench);
  EXPECT_EQ(trial.run({}).size(), 1u);
  EXPECT_EQ(timings, 2);
  EXPECT_EQ(trial.run({.settle_s = 1e-9, .samples = 3}).size(), 3u);
  EXPECT_EQ(timings, 2 + 1 + 3 * 2);
}

}  // namespace
}  // namespace moe::measure
