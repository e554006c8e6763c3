// A configuration in words and numbers: what `bench_moe_variants show NAME` prints.
#pragma once

#include <cstdint>
#include <string>

#include "moe/config.h"

namespace moe::model {

/// Parameters of one MoE layer: router (with its selection bias), routed experts, shared expert.
struct LayerParameters {
  std::int64_t all = 0;
  std::int64_t active = 0;  // read for one token: top_k experts and everything else
};

LayerParameters count_parameters(const LayerConfig& layer);

/// One line per topic: "NOUN   text", nouns in a column. Ends with a line break. Expects a valid
/// config. Lines of the whole model stand only where it is known.
std::string describe(const ModelConfig& config);

}  // namespace moe::model
