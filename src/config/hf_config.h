// Reads a model's config.json as Hugging Face transformers writes it.
#pragma once

#include <filesystem>
#include <string>

#include "moe/config.h"

namespace moe::config {

/// Reads the families of hf_families.h by their `model_type`. The name is that of the
/// file's folder when the file is called config.json, else the file's own; the batch is 1 x 4096
/// tokens. A layer that the suite cannot express gets `unsupported`. Throws Error{usage}, naming
/// file and place: unreadable or truncated, not JSON, not an MoE model, a family that is not read
/// yet, a field that is missing, of the wrong type or absurd.
ModelConfig read_hf_config(const std::filesystem::path& path);

/// The same from the file's content; `path` names the model and stands in messages.
ModelConfig parse_hf_config(const std::string& text, const std::filesystem::path& path);

}  // namespace moe::config
