// What `list` and `show` print.
#pragma once

#include <string>

#include "bench/options.h"

namespace moe::programs {

/// topic: configs, variants, devices, routings, or empty for all. Throws Error{usage} for another
/// one.
std::string list_text(const std::string& topic);

/// What options.topic names, in options.screen.format: a configuration by preset or file, or else a
/// saved run below options.out. Throws Error{usage} for a configuration in another format than text
/// and json.
std::string show_text(const BenchOptions& options);

}  // namespace moe::programs
