// From options to what measure/ understands.
#pragma once

#include "bench/options.h"
#include "measure/runner.h"

namespace moe::programs {

/// Fills in what was left to the device, and refuses names that it does not have. Throws
/// Error{usage}.
void settle_variants(BenchOptions& options, DeviceKind kind);

/// Of settled options. Throws Error{usage} for traffic that is not known or that the gate cannot
/// give.
measure::BenchRequest make_bench_request(const BenchOptions& options);

}  // namespace moe::programs
