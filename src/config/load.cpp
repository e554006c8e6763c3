// Names before files, so that a file called "small" in the working folder cannot shadow a preset.
#include "config/load.h"

#include <filesystem>

#include "config/hf_config.h"
#include "config/nearest_name.h"
#include "config/presets.h"
#include "config/toml_config.h"
#include "moe/error.h"

namespace moe::config {

ModelConfig load_config(std::string_view name_or_file) {
  if (const ModelConfig* preset = find_preset(name_or_file)) return *preset;
  const std::filesystem::path path(name_or_file);
  if (path.extension() == ".toml") return read_toml_config(path);
  if (path.extension() == ".json") return read_hf_config(path);
  throw Error(
      ErrorKind::usage, unknown_name("config", name_or_file, preset_names()), {},
      "`bench_moe_variants list configs` prints the names; a file must end in .toml or .json");
}

}  // namespace moe::config
