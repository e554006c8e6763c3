// A recorded choice as rows that a layer takes in place of its own router's (Inputs::given).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moe/config.h"
#include "moe/routing.h"
#include "routing/trace.h"

namespace moe::routing {

/// Owns the arrays of a Routing in host memory.
struct GivenRows {
  std::int64_t max_rows = 0;
  std::vector<std::int32_t> expert_offsets;          // [E + 1]
  std::vector<std::int32_t> row_tokens, token_rows;  // [max_rows], 0 behind the last row
  std::vector<float> row_scores;                     // [max_rows]
  std::vector<std::int32_t> token_offsets;           // [T + 1]
  std::vector<std::int32_t> chosen_experts;          // [T, K], before rounding
  std::vector<float> chosen_scores;                  // [T, K]

  /// Views of all of them.
  Routing view();
};

/// Why this layer of a trace cannot be replayed with the rounding of `config`; empty = it can.
std::optional<std::string> replay_refusal(const LayerConfig& config, const TraceLayer& layer);

/// The first `tokens` tokens of a layer whose E and K are those of `config`, rounded by its rule.
/// Scores are the trace's; without them the gate's, from the trace's logits; without these too 1/K
/// each. Pairs that rounding adds get the gate's score; random rules draw from the seed.
GivenRows replay(const LayerConfig& config, const TraceLayer& layer, std::int64_t tokens,
                 std::uint64_t rounding_seed = 0);

}  // namespace moe::routing
