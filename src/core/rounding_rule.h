// The decisions of token rounding, bit by bit: does an expert with `surplus` rows above a multiple
// of the tile (0 < surplus < tile) go up to the next multiple?
//
// Only whole numbers, and float32 divisions of them: sums over rows come out the same in any order,
// on any number of threads and on any device. Random numbers depend on (seed, expert) alone.
#pragma once

#include <cstdint>

#include "core/random.h"
#include "moe/config.h"

namespace moe {

/// With probability surplus / tile (the paper's SR-f), so that rows are kept on average.
MOE_HOST_DEVICE inline bool stochastic_goes_up(std::uint64_t seed, std::int64_t expert,
                                               std::int64_t surplus, std::int64_t tile) {
  return random_below(seed, RandomStream::rounding, static_cast<std::uint64_t>(expert),
                      static_cast<std::uint32_t>(tile)) < static_cast<std::uint32_t>(surplus);
}

/// A score in units of scale / 2^24, rounded down, at most 256 scale; 0 for NaN. Fewer than 2^31 of
/// them add up without overflow.
MOE_HOST_DEVICE inline std::uint64_t score_units(float score, float scale) {
  const float share = score / scale;
  if (!(share > 0.0f)) return 0;
  return static_cast<std::uint64_t>((share < 256.0f ? share : 256.0f) * 16777216.0f);
}

/// With probability dropped / (dropped + added) (the paper's NR-s): the scores that going down
/// would lose, as a share of all that hang on the decision. Nothing hanging on it goes down.
MOE_HOST_DEVICE inline bool score_goes_up(std::uint64_t seed, std::int64_t expert,
                                          std::uint64_t dropped_units, std::uint64_t added_units) {
  const float probability =
      static_cast<float>(dropped_units) / static_cast<float>(dropped_units + added_units);
  return random_uniform(seed, RandomStream::rounding, static_cast<std::uint64_t>(expert)) <
         probability;
}

/// Experts in turn, `residual` = rows added so far less rows dropped: whichever way leaves less of
/// it; a tie goes down (the paper's Balance-f).
MOE_HOST_DEVICE inline bool balance_goes_up(std::int64_t residual, std::int64_t surplus,
                                            std::int64_t tile) {
  const std::int64_t below = residual - surplus, above = below + tile;
  return (above < 0 ? -above : above) < (below < 0 ? -below : below);
}

/// Every rule that looks at counts alone; stochastic_score goes down here. `residual` and `seed`
/// are those of balance and stochastic.
MOE_HOST_DEVICE inline bool count_goes_up(const Rounding& rounding, std::int64_t expert,
                                          std::int64_t surplus, std::int64_t residual,
                                          std::uint64_t seed) {
  const std::int64_t tile = rounding.tile;
  switch (rounding.rule) {
    case RoundingRule::nearest: return tile - surplus < surplus;
    case RoundingRule::up: return true;
    case RoundingRule::stochastic: return stochastic_goes_up(seed, expert, surplus, tile);
    case RoundingRule::balance: return balance_goes_up(residual, surplus, tile);
    case RoundingRule::none:
    case RoundingRule::down:
    case RoundingRule::stochastic_score: break;
  }
  return false;
}

}  // namespace moe
