// `plot`: the pictures of a saved run again.
#pragma once

#include "bench/options.h"

namespace moe::programs {

/// Returns the exit code. Throws Error{usage} for a run that is not there and Error{output} for a
/// picture that cannot be drawn.
int plot_command(const BenchOptions& options);

}  // namespace moe::programs
