// How many rows each expert gets, by the rules that look at counts alone.
#include <vector>

#include "core/rounding_rule.h"
#include "moe/error.h"
#include "routing/rows.h"

namespace moe::routing {

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
  if (rounding.rule == RoundingRule::stochastic_score) {
    throw Error(ErrorKind::internal, "rounded_counts: stochastic_score decides by scores");
  }
  std::vector<std::int64_t> rounded;
  std::int64_t residual = 0;
  for (std::int64_t e = 0; e < std::ssize(counts); ++e) {
    const std::int64_t surplus = counts[e] % rounding.tile;
    const bool goes_up = surplus > 0 && count_goes_up(rounding, e, surplus, residual, seed);
    rounded.push_back(multiple_of_tile(rounding, counts[e], tokens, goes_up));
    residual += rounded.back() - counts[e];
  }
  return rounded;
}

}  // namespace moe::routing
