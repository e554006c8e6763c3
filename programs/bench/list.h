// What `list` and `show` print.
#pragma once

#include <filesystem>
#include <string>

namespace moe::programs {

/// topic: configs, variants, devices, routings, or empty for all. Throws Error{usage} for another
/// one.
std::string list_text(const std::string& topic);

/// A configuration by preset or file, or else a saved run below `out`.
std::string show_text(const std::filesystem::path& out, const std::string& name);

}  // namespace moe::programs
