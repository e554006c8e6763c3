// The flags that say which layer is meant, alike in every program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "moe/config.h"

namespace CLI {
class App;
}

namespace moe::programs {

/// Shape flags as given; an absent one keeps the configuration's value.
struct ShapeFlags {
  std::string config = "small";
  std::optional<std::int64_t> num_experts, hidden_dim, ffn_dim, top_k, batch_size, seq_len, tokens,
      tile;
  std::optional<std::string> activation, dtype, rounding;
};

/// Adds them to `app` as the group "Shape".
void add_shape_flags(CLI::App& app, ShapeFlags& shape);

/// The configuration with every given flag in place, valid. Throws Error{usage}.
ModelConfig resolve_model(const ShapeFlags& shape);

}  // namespace moe::programs
