// Clocks of a GPU follow the power of the last tens of milliseconds: without this, the row before a
// sample, or the filling of operands, would decide how fast it runs.
#pragma once

#include <functional>

#include "moe/device.h"

namespace moe::measure {

/// How long a row runs untimed before each of its samples; 0 where clocks are not ours to settle.
double settling_seconds(const Device& device);

/// Runs `work` until it has taken that long on the device, once at least; not at all for 0 seconds.
void settle(Device& device, double seconds, const std::function<void()>& work);

}  // namespace moe::measure
