// What --config takes: the name of a preset, or a file.
#pragma once

#include <string_view>

#include "moe/config.h"

namespace moe::config {

/// A preset (name or alias, whatever the case), a path that ends in .toml (toml_config.h) or one
/// that ends in .json (hf_config.h). Throws Error{usage}; an unknown name is answered with the
/// nearest one. Callers that override fields afterwards call validate() themselves.
ModelConfig load_config(std::string_view name_or_file);

}  // namespace moe::config
