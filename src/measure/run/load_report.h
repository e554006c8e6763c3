// Load balance and rounding of one routing, as records.
#pragma once

#include "measure/verify/verify.h"
#include "record/record.h"

namespace moe::measure {

record::Load load_record(const LayerConfig& config, const HostResult& result, std::int64_t tokens);

/// Balance alone, from the rows [E] of each expert: losses are 0.
record::Load load_record(const LayerConfig& config, const std::vector<std::int64_t>& expert_rows,
                         std::int64_t tokens);

/// Only for configurations with a rounding rule.
record::RoundingReport rounding_record(const LayerConfig& config, const HostResult& result,
                                       std::int64_t tokens);

}  // namespace moe::measure
