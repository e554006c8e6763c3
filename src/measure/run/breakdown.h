// Where the time of a pass goes: each step of a variant's plan on the device's clock, beside the
// floor that this machine's measured ceilings set for it, and the host's time to issue the pass.
#pragma once

#include "measure/run/trial.h"
#include "moe/device.h"
#include "record/record.h"

namespace moe::measure {

/// Medians over a few passes of their own, with a probe: timed samples carry none. Caches are as
/// the step before left them, the first step's as the pass before did.
record::Breakdown measure_breakdown(Device& device, Trial& trial, const Ceilings& ceilings);

}  // namespace moe::measure
