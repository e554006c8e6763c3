// What `memory_analysis list` and `published` print.
#pragma once

#include <string>

namespace moe::programs {

/// topic: gpus, strategies, or empty for both. Throws Error{usage} for another one.
std::string memory_list_text(const std::string& topic);

std::string published_text();

}  // namespace moe::programs
