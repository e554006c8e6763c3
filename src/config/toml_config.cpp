// Each table is a list of keys with the place that each fills, so that what is read and what is
// known cannot differ.
#include "config/toml_config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/enum_names.h"
#include "config/nearest_name.h"
#include "config/presets.h"
#include "config/text_file.h"
#include "config/validate.h"
#include "moe/error.h"

namespace moe::config {
namespace {

struct Entry {
  const std::string& file;
  const toml::key& key;
  const toml::node& value;

  [[noreturn]] void fail(const std::string& what, const std::string& remedy = {}) const {
    throw Error(ErrorKind::usage, fmt::format("{}:{}: {}", file, key.source().begin.line, what), {},
                remedy);
  }
  [[noreturn]] void wrong_type(const char* wanted) const {
    std::ostringstream given;
    given << value.type();
    fail(fmt::format("'{}' must be {}, not of type {}", key.str(), wanted, given.str()));
  }
};

using Setter = std::function<void(const Entry&)>;
using Keys = std::vector<std::pair<std::string, Setter>>;

Setter whole(std::int64_t& target) {
  return [&target](const Entry& entry) {
    if (!entry.value.is_integer()) entry.wrong_type("a whole number");
    target = entry.value.as_integer()->get();
  };
}

Setter number(float& target) {
  return [&target](const Entry& entry) {
    const auto value = entry.value.value<double>();  // of an integer too
    if (!entry.value.is_number() || !value) entry.wrong_type("a number");
    target = static_cast<float>(*value);
  };
}

Setter flag(bool& target) {
  return [&target](const Entry& entry) {
    if (!entry.value.is_boolean()) entry.wrong_type("true or false");
    target = entry.value.as_boolean()->get();
  };
}

Setter text(std::string& target) {
  return [&target](const Entry& entry) {
    if (!entry.value.is_string()) entry.wrong_type("a string");
    target = entry.value.as_string()->get();
  };
}

template <class Enum>
Setter one_of(Enum& target, Enum (*parse)(std::string_view)) {
  return [&target, parse](const Entry& entry) {
    std::string name;
    text(name)(entry);
    try {
      target = parse(name);
    } catch (const Error& error) {
      entry.fail(error.what());
    }
  };
}

/// `where` stands in messages before the word key: "[layer] ", or "" at the top.
void read_table(const toml::table& table, const std::string& file, const std::string& where,
                const Keys& keys) {
  std::vector<std::string> known;
  for (const auto& [name, setter] : keys) known.push_back(name);
  for (const auto& [key, value] : table) {
    const Entry entry{file, key, value};
    const auto found = std::find(known.begin(), known.end(), key.str());
    if (found == known.end()) {
      entry.fail(unknown_name(where + "key", key.str(), known), "known: " + listed(known));
    }
    keys[static_cast<std::size_t>(found - known.begin())].second(entry);
  }
}

Setter table(const std::string& where, Keys keys) {
  return [where, keys = std::move(keys)](const Entry& entry) {
    if (!entry.value.is_table()) entry.wrong_type("a table");
    read_table(*entry.value.as_table(), entry.file, where, keys);
  };
}

Setter layer_table(LayerConfig& layer) {
  Gate& gate = layer.gate;
  return table("[layer] ",
               {{"hidden_dim", whole(layer.hidden_dim)},
                {"ffn_dim", whole(layer.ffn_dim)},
                {"num_experts", whole(layer.num_experts)},
                {"top_k", whole(layer.top_k)},
                {"activation", one_of(layer.activation, parse_activation)},
                {"up_layout", one_of(layer.up_layout, parse_up_layout)},
                {"dtype", one_of(layer.dtype, parse_dtype)},
                {"expert_bias", flag(layer.expert_bias)},
                {"gate", table("[layer.gate] ", {{"kind", one_of(gate.kind, parse_gate_kind)},
                                                 {"renormalize", flag(gate.renormalize)},
                                                 {"selection_bias", flag(gate.selection_bias)},
                                                 {"num_groups", whole(gate.num_groups)},
                                                 {"kept_groups", whole(gate.kept_groups)},
                                                 {"scale", number(gate.scale)},
                                                 {"logit_bias", flag(gate.logit_bias)}})},
                {"shared", table("[layer.shared] ", {{"ffn_dim", whole(layer.shared.ffn_dim)},
                                                     {"gated", flag(layer.shared.gated)}})}});
}

Setter attention_table(Attention& attention) {
  return table(
      "[model.attention] ",
      {{"kind", one_of(attention.kind, parse_attention_kind)},
       {"num_layers", whole(attention.num_layers)},
       {"num_heads", whole(attention.num_heads)},
       {"num_kv_heads", whole(attention.num_kv_heads)},
       {"head_dim", whole(attention.head_dim)},
       {"output_gate", flag(attention.output_gate)},
       {"q_lora_rank", whole(attention.q_lora_rank)},
       {"kv_lora_rank", whole(attention.kv_lora_rank)},
       {"qk_rope_head_dim", whole(attention.qk_rope_head_dim)},
       {"qk_nope_head_dim", whole(attention.qk_nope_head_dim)},
       {"v_head_dim", whole(attention.v_head_dim)},
       {"index", table("[model.attention.index] ", {{"num_heads", whole(attention.index.num_heads)},
                                                    {"head_dim", whole(attention.index.head_dim)},
                                                    {"top_k", whole(attention.index.top_k)}})},
       {"sliding_window", whole(attention.sliding_window)},
       {"num_sliding_layers", whole(attention.num_sliding_layers)}});
}

Setter model_table(ModelConfig& config) {
  LinearMixer& linear = config.linear;
  return table(
      "[model] ",
      {{"num_layers", whole(config.num_layers)},
       {"num_dense_layers", whole(config.num_dense_layers)},
       {"dense_ffn_dim", whole(config.dense_ffn_dim)},
       {"attention", attention_table(config.attention)},
       {"linear", table("[model.linear] ", {{"num_layers", whole(linear.num_layers)},
                                            {"parameters", whole(linear.parameters)},
                                            {"state_elements", whole(linear.state_elements)}})},
       {"vocab_size", whole(config.vocab_size)},
       {"tied_embeddings", flag(config.tied_embeddings)},
       {"max_context", whole(config.max_context)},
       {"num_prediction_layers", whole(config.num_prediction_layers)}});
}

/// Base comes first wherever it stands in the file: the other keys overwrite its values.
void start_from_base(const toml::table& root, const std::string& file, ModelConfig& config) {
  const auto found = root.find("base");
  if (found == root.end()) return;
  const Entry entry{file, found->first, found->second};
  std::string base;
  text(base)(entry);
  const ModelConfig* preset = find_preset(base);
  if (preset == nullptr) {
    entry.fail(unknown_name("base", base, preset_names()),
               "`bench_moe_variants list configs` prints the presets");
  }
  config = *preset;
  config.note.clear();  // it speaks of the preset's values
}

void require_sizes(const toml::table& root, const std::string& file) {
  const toml::table* layer = root["layer"].as_table();
  for (const char* key : {"hidden_dim", "ffn_dim", "num_experts", "top_k"}) {
    if (layer != nullptr && layer->contains(key)) continue;
    throw Error(ErrorKind::usage, fmt::format("{}: '{}' in [layer] is missing", file, key), {},
                "set it, or start from a preset with base = \"NAME\"");
  }
}

/// "a.a.a..." is a table in a table in a table, and the library walks them recursively: the length
/// of a line, where every key ends, bounds the depth.
void check_line_lengths(const std::string& content, const std::string& file) {
  constexpr std::size_t kLongest = 2048;
  std::size_t line = 1;
  for (std::size_t start = 0; start < content.size(); ++line) {
    const std::size_t end = std::min(content.find('\n', start), content.size());
    if (end - start > kLongest) {
      throw Error(ErrorKind::usage, fmt::format("{}:{}: a line of {} bytes, the most is {}", file,
                                                line, end - start, kLongest));
    }
    start = end + 1;
  }
}

toml::table parse_toml(const std::string& content, const std::string& file) {
  check_line_lengths(content, file);
  try {
    return toml::table(toml::parse(content, file));
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::usage,
                fmt::format("{}:{}: not valid TOML", file, error.source().begin.line),
                std::string(error.description()));
  }
}

}  // namespace

ModelConfig read_toml_config(const std::filesystem::path& path) {
  return parse_toml_config(read_text_file(path), path);
}

ModelConfig parse_toml_config(const std::string& content, const std::filesystem::path& path) {
  const std::string file = path.string();
  const toml::table root = parse_toml(content, file);
  ModelConfig config;
  start_from_base(root, file, config);
  const std::string base = std::exchange(config.name, path.stem().string());
  config.source = base.empty() ? file : file + ", based on " + base;
  std::string read_already;
  read_table(root, file, "",
             {{"base", text(read_already)},
              {"name", text(config.name)},
              {"layer", layer_table(config.layer)},
              {"batch", table("[batch] ", {{"batch_size", whole(config.batch_size)},
                                           {"seq_len", whole(config.seq_len)}})},
              {"model", model_table(config)}});
  if (base.empty()) require_sizes(root, file);
  validate(config, path);
  return config;
}

}  // namespace moe::config
