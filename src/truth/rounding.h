// Which tokens each expert keeps: the choice as it is, or after token rounding.
#pragma once

#include <cstdint>
#include <vector>

#include "moe/config.h"

namespace moe::truth {

/// Rows of every expert after rounding, by the counts [E] of its chosen tokens. Nearest goes up
/// only when that way is strictly shorter; a multiple above `tokens` goes down whatever the rule.
/// Throws Error{internal} for stochastic_score, which counts alone cannot decide.
std::vector<std::int64_t> rounded_rows(const Rounding& rounding,
                                       const std::vector<std::int64_t>& counts, std::int64_t tokens,
                                       std::uint64_t seed);

/// Tokens of every expert, ascending. logits f32 [T, E], chosen [T, K]. Under rounding all pairs of
/// an expert are sorted: chosen ones first, then by float32 score, then by lower token.
std::vector<std::vector<std::int32_t>> kept_tokens(const LayerConfig& config, const float* logits,
                                                   const std::int32_t* chosen, std::int64_t tokens,
                                                   std::uint64_t seed);

}  // namespace moe::truth
