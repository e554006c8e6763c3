// Layer times that were measured: from a saved run of bench_moe_variants, or by one made now.
#pragma once

#include <optional>
#include <string>

#include "record/record.h"
#include "throughput/options.h"

namespace moe::programs {

/// The run that --from names or that --measure makes; nothing without these flags. A run made now
/// is saved like any other. Throws Error{usage} for a run of several shapes, Error{device} when
/// nothing could be measured.
std::optional<record::Run> measured_run(const ThroughputOptions& options);

/// Puts the run's times into the request where its device is the GPU that is asked for; without
/// --config or --gpu the run decides them. Throws Error{usage} for a run of another layer.
void use_measured_run(const record::Run& run, ThroughputOptions& options);

/// The run's own table: what its device, GPU or not, did with one layer.
std::string measured_text(const record::Run& run);

}  // namespace moe::programs
