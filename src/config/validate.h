// Refuses shapes that cannot be: the one place that knows which configurations make sense.
#pragma once

#include <filesystem>

#include "moe/config.h"

namespace moe::config {

/// Throws Error{usage} that names the flag ("--top-k 16 is larger than --num-experts 8"; what has
/// no flag is named as in TOML files, "gate.scale"). After it, row numbers fit int32, element and
/// byte counts int64.
void validate(const ModelConfig& config);

/// The same, with the file that the values came from at the front of the message.
void validate(const ModelConfig& config, const std::filesystem::path& file);

}  // namespace moe::config
