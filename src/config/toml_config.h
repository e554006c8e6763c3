// Reads the project's own format, a TOML file whose keys are the nouns of docs/architecture.md:
//
//   base = "qwen3-30b-a3b"      # optional: start from a preset
//   name = "mine"               # otherwise the file's name
//   [layer]                     # needed without base: hidden_dim, ffn_dim, num_experts, top_k
//   hidden_dim = 2048           # also: activation = "swiglu" | "relu2",
//   dtype = "bf16"              # or "fp16", "fp32"
//   [layer.gate]                # kind = "topk_softmax" | "softmax_topk" | "sigmoid", renormalize,
//   scale = 2.5                 # selection_bias, num_groups, kept_groups
//   [layer.shared]
//   ffn_dim = 2048              # also: gated
//   [batch]
//   batch_size = 8              # also: seq_len
//   [model]
//   num_layers = 48             # also what docs/cli.md lists, with [model.attention],
//   [model.linear]
#pragma once

#include <filesystem>
#include <string>

#include "moe/config.h"

namespace moe::config {

/// Throws Error{usage} as "FILE:LINE: ...": not TOML, an unknown key (with the nearest one), a
/// value of the wrong type, a missing size, an unknown base, an impossible shape. Every key that is
/// not listed above is an error. Numbers are plain: 16384, not "16k".
ModelConfig read_toml_config(const std::filesystem::path& path);

/// The same from the file's content; `path` names the configuration and stands in messages.
ModelConfig parse_toml_config(const std::string& content, const std::filesystem::path& path);

}  // namespace moe::config
