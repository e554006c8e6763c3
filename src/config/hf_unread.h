// Inside the room: what becomes of the fields of a config.json that no reader asked for.
#pragma once

#include <string>
#include <vector>

#include "moe/config.h"

namespace moe::config {

/// Sorts `fields` into what is known and left out (`not_modelled`, by topic), what no one knows
/// (`not_understood`) and what has nothing to do with the shape of a model: dropped.
void report_unread(const std::vector<std::string>& fields, ModelConfig& config);

}  // namespace moe::config
