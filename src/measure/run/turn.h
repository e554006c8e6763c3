// A row's turn on the clock. A GPU at its power limit lowers its clocks some 60 ms after heavy work
// begins, and raises them again in work that leaves it half idle; so a row first runs untimed until
// the clocks are its own, and then, as that took long, gives several samples.
#pragma once

#include <functional>

#include "moe/device.h"

namespace moe::measure {

struct TurnPace {
  double settle_s = 0;  // untimed, before the samples
  int samples = 1;
};

/// 100 ms and five samples on a GPU; one sample where clocks are not ours to settle.
TurnPace turn_pace(const Device& device);

/// Runs `work` until it has taken that long on the device, once at least; not at all for 0 seconds.
void settle(Device& device, double seconds, const std::function<void()>& work);

}  // namespace moe::measure
