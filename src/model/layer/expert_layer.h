// One MoE layer spread over the ranks of expert parallelism: what its exchanges take, and the
// whole.
#pragma once

#include <cstdint>

#include "model/layer/plan_memory.h"
#include "model/step/factors.h"

namespace moe::model {

/// Seconds of dispatch and combine, forward and backward, of one MoE layer over `ranks` ranks with
/// `tokens` tokens each; nothing of it hidden. 0 for one rank.
double expert_exchange_s(const TrainingSetup& setup, const Factors& factors, std::int64_t ranks,
                         double tokens);

/// Seconds of one layer alone, forward and backward, on one of `ranks` ranks: kernels, the part of
/// the exchanges that is not hidden, and waiting for the busiest rank. `ranks` must divide the
/// experts.
double expert_layer_s(const TrainingSetup& setup, const Factors& factors, std::int64_t ranks,
                      std::int64_t tokens);

}  // namespace moe::model
