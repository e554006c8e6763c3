// How long a turn is, and what comes before its samples.
#include "measure/run/turn.h"

namespace moe::measure {
namespace {

constexpr TurnPace kGpuPace{.settle_s = 0.1, .samples = 5};
constexpr int kMostRuns = 1000;  // of work too short for a clock to see

}  // namespace

TurnPace turn_pace(const Device& device) {
  return device.id().kind == DeviceKind::cuda ? kGpuPace : TurnPace{};
}

void settle(Device& device, double seconds, const std::function<void()>& work) {
  double spent = 0;
  for (int runs = 0; spent < seconds && runs < kMostRuns; ++runs) spent += device.time(work);
}

}  // namespace moe::measure
