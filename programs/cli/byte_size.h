// Sizes in bytes as people write them.
#pragma once

#include <cstdint>
#include <string>

namespace moe::programs {

/// "8GiB", "500 MB", "1024" to bytes. Throws Error{usage}.
std::int64_t parse_bytes(const std::string& text);

}  // namespace moe::programs
