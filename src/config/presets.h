// Named configurations: the project's own shapes, the shapes of the SonicMoE paper, and layers of
// real models.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moe/config.h"

namespace moe::config {

/// All presets, in the order of `list configs`: benchmark shapes first, then models by family. Each
/// is valid (see validate.h) or says in `unsupported` why this suite cannot express the model's
/// layer.
const std::vector<ModelConfig>& presets();

/// The preset of that name or alias, whatever the case; null when there is none. Lives as long as
/// the program.
const ModelConfig* find_preset(std::string_view name);

/// Other names of a preset: "deepseek-v3.2-exp" of "deepseek-v3". Empty for an unknown name.
std::vector<std::string> aliases(std::string_view name);

/// Every name and alias.
std::vector<std::string> preset_names();

}  // namespace moe::config
