// From chosen experts to rows sorted by expert, with or without token rounding (docs/variants.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "moe/config.h"
#include "routing/gate.h"

namespace moe::routing {

/// Arrays to write; max_rows is at least max_routed_rows().
struct Rows {
  std::int32_t* expert_offsets;  // [E + 1]
  std::int32_t* row_tokens;      // [max_rows], ascending inside an expert
  float* row_scores;             // [max_rows]
};

/// Rows of the choice as it is: a stable counting sort by expert.
void build_rows(const LayerConfig& config, const std::int32_t* chosen_experts,
                const float* chosen_scores, std::int64_t tokens, const Rows& rows);

/// `count`, or the multiple of the tile below or above it. One above `tokens` is out of reach.
std::int64_t multiple_of_tile(const Rounding& rounding, std::int64_t count, std::int64_t tokens,
                              bool goes_up);

/// Rows of every expert after rounding, from the counts [E] of chosen tokens, by a rule that looks
/// at counts alone. Nearest: up iff the way up is strictly shorter, so a tie goes down. `seed` is
/// the stochastic rule's. Throws Error{internal} for stochastic_score, which looks at scores.
std::vector<std::int64_t> rounded_counts(const Rounding& rounding,
                                         const std::vector<std::int64_t>& counts,
                                         std::int64_t tokens, std::uint64_t seed = 0);

/// Bytes of scratch for build_rounded_rows(): one 64-bit key per token and thread.
std::size_t rounding_scratch_bytes(std::int64_t tokens, int num_threads);

/// Rows after token rounding. Per expert all pairs are ranked: chosen before unchosen, then by
/// score (of unchosen ones: the score they would have), then by lower token; the best stay, as many
/// as the rule says. Kept pairs keep their score. `seed` is that of the stochastic rules. `scratch`
/// may be for fewer threads than there are; for none it throws Error{internal}. `rows` is working
/// space too: all max_rows entries may change.
void build_rounded_rows(const LayerConfig& config, const float* logits,
                        const std::int32_t* chosen_experts, const float* chosen_scores,
                        const TokenNorm* norms, std::int64_t tokens, std::byte* scratch,
                        std::size_t scratch_bytes, const Rows& rows, std::uint64_t seed = 0);

/// The inverse of row_tokens: token t owns token_rows[token_offsets[t] .. token_offsets[t + 1]),
/// ascending.
void build_token_rows(const std::int32_t* expert_offsets, const std::int32_t* row_tokens,
                      std::int64_t num_experts, std::int64_t tokens, std::int32_t* token_offsets,
                      std::int32_t* token_rows);

}  // namespace moe::routing
