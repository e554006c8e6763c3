// Both tables behind one list, and the look-up by name or alias.
#include "config/presets.h"

#include <algorithm>

#include "config/nearest_name.h"
#include "config/preset_tables.h"

namespace moe::config {
namespace {

const std::vector<Preset>& all_presets() {
  static const std::vector<Preset> all = [] {
    std::vector<Preset> joined = benchmark_shapes();
    for (Preset& preset : model_presets()) joined.push_back(std::move(preset));
    return joined;
  }();
  return all;
}

bool is_named(const Preset& preset, const std::string& lower) {
  return preset.config.name == lower || std::ranges::count(preset.aliases, lower) > 0;
}

}  // namespace

const std::vector<ModelConfig>& presets() {
  static const std::vector<ModelConfig> configs = [] {
    std::vector<ModelConfig> list;
    for (const Preset& preset : all_presets()) list.push_back(preset.config);
    return list;
  }();
  return configs;
}

const ModelConfig* find_preset(std::string_view name) {
  const std::string lower = lower_case(name);
  for (const Preset& preset : all_presets()) {
    if (is_named(preset, lower)) return &preset.config;
  }
  return nullptr;
}

std::vector<std::string> aliases(std::string_view name) {
  const std::string lower = lower_case(name);
  for (const Preset& preset : all_presets()) {
    if (is_named(preset, lower)) return preset.aliases;
  }
  return {};
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : all_presets()) {
    names.push_back(preset.config.name);
    names.insert(names.end(), preset.aliases.begin(), preset.aliases.end());
  }
  return names;
}

}  // namespace moe::config
