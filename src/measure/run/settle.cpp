// Work before its sample.
#include "measure/run/settle.h"

namespace moe::measure {
namespace {

constexpr double kGpuSeconds = 0.02;
constexpr int kMostRuns = 1000;  // of work too short for a clock to see

}  // namespace

double settling_seconds(const Device& device) {
  return device.id().kind == DeviceKind::cuda ? kGpuSeconds : 0;
}

void settle(Device& device, double seconds, const std::function<void()>& work) {
  double spent = 0;
  for (int runs = 0; spent < seconds && runs < kMostRuns; ++runs) spent += device.time(work);
}

}  // namespace moe::measure
