// `compare`: two runs, a verdict per point.
#pragma once

#include "bench/options.h"

namespace moe::programs {

/// Prints the comparison. Returns the exit code. Throws Error{usage} for runs that are not there or
/// not of the same thing, and Error{regression} beyond the user's limit.
int compare_command(const BenchOptions& options);

}  // namespace moe::programs
