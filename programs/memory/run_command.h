// `memory_analysis run`: from options to screen, files and picture.
#pragma once

#include <string>
#include <vector>

#include "memory/options.h"

namespace moe::programs {

/// Returns the exit code. Throws Error.
int memory_run_command(MemoryOptions options, const std::vector<std::string>& arguments);

}  // namespace moe::programs
