// From options to what measure/ understands.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/options.h"
#include "measure/run/runner.h"
#include "record/record.h"

namespace moe::programs {

/// On a GPU the default configuration is bfloat16, as its kernels are, unless flags said otherwise.
void settle_dtype(BenchOptions& options, DeviceKind kind);

/// Fills in what was left to the device, and refuses names that it does not have. Throws
/// Error{usage}.
void settle_variants(BenchOptions& options, const DeviceTraits& traits);

/// Drops points whose gate cannot give their traffic. Throws Error{usage} when none is left, or for
/// a single shape.
void settle_traffic(BenchOptions& options);

/// One per point of settled options.
std::vector<measure::BenchRequest> make_bench_requests(const BenchOptions& options);

/// A run that these options ask for: everything but ceilings, rows and what follows from them.
record::Run describe(const BenchOptions& options,
                     const std::vector<measure::BenchRequest>& requests);

}  // namespace moe::programs
