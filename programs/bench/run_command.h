// `run`: measure and report.
#pragma once

#include <string>
#include <vector>

#include "bench/options.h"

namespace moe::programs {

/// `arguments` as given, for the record. Returns the exit code; throws moe::Error.
int run_command(BenchOptions options, const std::vector<std::string>& arguments);

}  // namespace moe::programs
