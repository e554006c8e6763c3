// From options to what measure/ understands.
#pragma once

#include <map>
#include <string>

#include "bench/options.h"
#include "measure/runner.h"

namespace moe::programs {

/// Fills in what was left to the device, and refuses names that it does not have. Throws
/// Error{usage}.
void settle_variants(BenchOptions& options, DeviceKind kind);

/// Of settled options. Throws Error{usage} for traffic that is not known or that the gate cannot
/// give.
measure::BenchRequest make_bench_request(const BenchOptions& options);

/// What settled options ask for beside the shape, flag by flag, for the record.
std::map<std::string, std::string> described_request(const BenchOptions& options);

}  // namespace moe::programs
