// `record` and `convert`: traces of routing, from the suite's own router and from NumPy arrays.
#pragma once

#include "bench/options.h"

namespace moe::programs {

/// Both return the exit code and throw Error.
int record_command(const BenchOptions& options);
int convert_command(const BenchOptions& options);

}  // namespace moe::programs
