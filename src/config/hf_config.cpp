// From file to JSON to family; the families themselves are in hf_families.cpp.
#include "config/hf_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/hf_families.h"
#include "config/hf_unread.h"
#include "config/nearest_name.h"
#include "config/text_file.h"
#include "config/validate.h"
#include "moe/error.h"

namespace moe::config {
namespace {

using nlohmann::json;

json parse_json(const std::string& text, const std::string& file) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    const std::size_t end = std::min(error.byte, text.size());
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '\n');
    const bool truncated = error.byte > text.size();
    throw Error(ErrorKind::usage, fmt::format("{}:{}: not valid JSON", file, line),
                truncated
                    ? fmt::format("the file ends at byte {} in the middle of a value", text.size())
                    : fmt::format("unexpected text at byte {}", error.byte),
                truncated ? "fetch the file again" : "");
  } catch (const json::exception& error) {
    throw Error(ErrorKind::usage, file + ": not valid JSON", error.what());
  }
}

/// Every MoE family counts its experts in a field with that word, at the top or one level down
/// (llama4's text_config, dbrx's ffn_config).
bool mentions_experts(const json& object, int levels = 2) {
  for (const auto& [key, value] : object.items()) {
    if (key.find("expert") != std::string::npos && !value.is_null()) return true;
    if (levels > 1 && value.is_object() && mentions_experts(value, levels - 1)) return true;
  }
  return false;
}

const HfFamily& find_family(const json& object, const HfFields& fields) {
  const std::string model_type = fields.text_or("model_type", "");
  std::vector<std::string> readable;
  for (const HfFamily& family : hf_families()) {
    if (family.model_type == model_type) return family;
    readable.push_back(family.model_type);
  }
  const std::string named =
      model_type.empty() ? "no model_type" : "model_type '" + model_type + "'";
  if (!mentions_experts(object)) {
    throw Error(ErrorKind::usage, fields.file() + ": not an MoE model",
                named + ", and no field speaks of experts",
                "readable families: " + listed(readable));
  }
  throw Error(ErrorKind::usage, fields.file() + ": this MoE family is not read yet", named,
              "readable families: " + listed(readable) +
                  "; or write the layer down as a .toml file (docs/cli.md)");
}

std::string name_from(const std::filesystem::path& path) {
  const std::string folder = std::filesystem::absolute(path).parent_path().filename().string();
  return path.filename() == "config.json" && !folder.empty() ? folder : path.stem().string();
}

}  // namespace

ModelConfig read_hf_config(const std::filesystem::path& path) {
  return parse_hf_config(read_text_file(path), path);
}

ModelConfig parse_hf_config(const std::string& text, const std::filesystem::path& path) {
  const json object = parse_json(text, path.string());
  if (!object.is_object()) {
    throw Error(ErrorKind::usage, path.string() + ": not a model's config.json",
                fmt::format("its top level is of type {}, not an object", object.type_name()));
  }
  const HfFields whole(object, path.string());
  const HfFamily& family = find_family(object, whole);
  const HfFields fields = family.within != nullptr ? whole.object(family.within) : whole;
  ModelConfig config = family.read(fields);
  report_unread(fields.unread(), config);
  config.name = name_from(path);
  config.source = path.string();
  validate(config, path);
  return config;
}

}  // namespace moe::config
