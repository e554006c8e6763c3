// Both tables and what is made of them behind one list, and the look-up by name or alias.
#include "config/presets.h"

#include <algorithm>

#include "config/nearest_name.h"
#include "config/preset_tables.h"
#include "moe/error.h"

namespace moe::config {
namespace {

struct Decoding {
  const char *model, *name;
};
constexpr Decoding kDecoding[] = {{"deepseek-v3", "decode-deepseek-v3"},
                                  {"qwen3-235b-a22b", "decode-qwen3-235b"}};
constexpr std::int64_t kDecodedSequences = 64;

/// A model's layer as it generates: one token of each sequence.
Preset decoding(const std::vector<Preset>& models, const Decoding& wanted) {
  const auto found = std::ranges::find(models, std::string_view(wanted.model),
                                       [](const Preset& preset) { return preset.config.name; });
  if (found == models.end()) throw Error(ErrorKind::internal, "no preset to decode", wanted.model);
  Preset preset{found->config, {}};
  preset.config.name = wanted.name;
  preset.config.batch_size = kDecodedSequences;
  preset.config.seq_len = 1;
  preset.config.note = "generating, a token of each of 64 sequences: use it with --mode forward";
  return preset;
}

const std::vector<Preset>& all_presets() {
  static const std::vector<Preset> all = [] {
    std::vector<Preset> joined = benchmark_shapes();
    const std::vector<Preset> models = model_presets();
    for (const Decoding& wanted : kDecoding) joined.push_back(decoding(models, wanted));
    joined.insert(joined.end(), models.begin(), models.end());
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
