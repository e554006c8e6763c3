// How many rows each expert gets, by the rules that look at counts alone.
#include <vector>

#include "core/rounding_rule.h"
#include "moe/error.h"
#include "routing/rows.h"

namespace moe::routing {
namespace {

bool wants_up(const Rounding& rounding, std::int64_t expert, std::int64_t surplus,
              std::int64_t residual, std::uint64_t seed) {
  const std::int64_t tile = rounding.tile;
  switch (rounding.rule) {
    case RoundingRule::none:
    case RoundingRule::down: return false;
    case RoundingRule::nearest: return tile - surplus < surplus;
    case RoundingRule::up: return true;
    case RoundingRule::stochastic: return stochastic_goes_up(seed, expert, surplus, tile);
    case RoundingRule::balance: return balance_goes_up(residual, surplus, tile);
    case RoundingRule::stochastic_score: break;
  }
  throw Error(ErrorKind::internal, "rounded_counts: stochastic_score decides by scores");
}

}  // namespace

std::int64_t multiple_of_tile(const Rounding& rounding, std::int64_t count, std::int64_t tokens,
                              bool goes_up) {
  const std::int64_t below = count - count % rounding.tile, above = below + rounding.tile;
  if (below == count) return count;
  return goes_up && above <= tokens ? above : below;
}

std::vector<std::int64_t> rounded_counts(const Rounding& rounding,
                                         const std::vector<std::int64_t>& counts,
                                         std::int64_t tokens, std::uint64_t seed) {
  if (rounding.rule == RoundingRule::none) return counts;
  std::vector<std::int64_t> rounded;
  std::int64_t residual = 0;
  for (std::int64_t e = 0; e < std::ssize(counts); ++e) {
    const std::int64_t surplus = counts[e] % rounding.tile;
    const bool goes_up = surplus > 0 && wants_up(rounding, e, surplus, residual, seed);
    rounded.push_back(multiple_of_tile(rounding, counts[e], tokens, goes_up));
    residual += rounded.back() - counts[e];
  }
  return rounded;
}

}  // namespace moe::routing
