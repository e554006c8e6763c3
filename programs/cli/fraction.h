// Fractions as people write them.
#pragma once

#include <string>

namespace moe::programs {

/// "3%", "2.5 %" or "0.03" to a fraction of 0 to 1. Throws Error{usage} that names `flag`.
double parse_fraction(const std::string& flag, const std::string& text);

}  // namespace moe::programs
