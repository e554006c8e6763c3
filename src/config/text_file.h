// Reading a whole configuration file, with a limit on its size.
#pragma once

#include <filesystem>
#include <string>

namespace moe::config {

/// Throws Error{usage} when the file cannot be read or is larger than 16 MiB, which no config file
/// is.
std::string read_text_file(const std::filesystem::path& path);

}  // namespace moe::config
