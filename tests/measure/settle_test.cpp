// Work that runs before its sample.
#include "measure/run/settle.h"

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
  EXPECT_EQ(settling_seconds(device), 0);
  settle(device, settling_seconds(device), [] { FAIL() << "not at all for 0 seconds"; });
}

/// A pass that settles first is timed once more, forward and backward together.
TEST(Settle, ComesBeforeThePassAndNotIntoIt) {
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
  trial.run();
  EXPECT_EQ(timings, 2);
  trial.run(1e-9);
  EXPECT_EQ(timings, 2 + 3);
}

}  // namespace
}  // namespace moe::measure
