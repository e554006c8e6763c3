// Each expert's count moves by less than one tile, and by half of one under `nearest`; under
// `balance` the sum of all moves stays below half a tile.
#include "model/layer/row_bounds.h"

#include <algorithm>

namespace moe::model {
namespace {

RowBounds multiples_between(std::int64_t least, std::int64_t most, std::int64_t tile) {
  return {std::min((least + tile - 1) / tile, most / tile) * tile, most / tile * tile};
}

}  // namespace

RowBounds row_bounds(const LayerConfig& config, std::int64_t tokens) {
  const std::int64_t chosen = tokens * config.top_k;
  const RoundingRule rule = config.rounding.rule;
  if (rule == RoundingRule::none) return {chosen, chosen};
  const std::int64_t tile = config.rounding.tile;
  // An expert cannot have more rows than there are tokens: a multiple above them goes down by any
  // rule. It can only lie above them when they are no multiple themselves.
  const bool may_fall_back = tokens % tile != 0;
  const std::int64_t reach = config.num_experts * (tokens / tile) * tile;
  if (rule == RoundingRule::balance) {
    const std::int64_t down = may_fall_back ? config.num_experts * (tile - 1) : tile / 2;
    return multiples_between(std::max<std::int64_t>(0, chosen - down),
                             std::min(chosen + (tile - 1) / 2, reach), tile);
  }
  std::int64_t up = 0, down = tile - 1;
  if (rule == RoundingRule::stochastic || rule == RoundingRule::stochastic_score) up = tile - 1;
  if (rule == RoundingRule::nearest) up = (tile - 1) / 2;  // a tie goes down
  if (rule == RoundingRule::up) up = tile - 1;
  if (rule == RoundingRule::nearest && !may_fall_back) down = tile / 2;
  if (rule == RoundingRule::up && !may_fall_back) down = 0;
  const std::int64_t experts = config.num_experts;
  const std::int64_t fewest = std::max<std::int64_t>(0, chosen - experts * down);
  return multiples_between(fewest, std::min(chosen + experts * up, reach), tile);
}

}  // namespace moe::model
