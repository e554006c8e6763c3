// Inside the room: what Qwen's hybrids share with its other models.
#pragma once

#include "config/hf_fields.h"
#include "moe/config.h"

namespace moe::config {

/// Experts, gate and dense layers; no attention. `renormalize` when norm_topk_prob is absent.
ModelConfig read_layer_of_qwen(const HfFields& fields, bool renormalize);

}  // namespace moe::config
