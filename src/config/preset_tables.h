// Inside the room: what the two tables of presets hand to presets.cpp.
#pragma once

#include <string>
#include <vector>

#include "moe/config.h"

namespace moe::config {

struct Preset {
  ModelConfig config;
  std::vector<std::string> aliases;
};

/// Shapes made for measuring: one layer, top-k then softmax, SwiGLU.
std::vector<Preset> benchmark_shapes();

/// Layers of published models.
std::vector<Preset> model_presets();

}  // namespace moe::config
