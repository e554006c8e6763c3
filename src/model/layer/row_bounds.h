// How many rows token rounding can leave, known from the configuration alone. The exact number is
// the routing's.
#pragma once

#include <cstdint>

#include "moe/config.h"

namespace moe::model {

/// Both included; multiples of the tile under rounding.
struct RowBounds {
  std::int64_t least = 0, most = 0;
};

/// No routing of `tokens` tokens gives fewer or more rows (routing/rows.h has the rule). `most`
/// never exceeds max_routed_rows(), which buffers are sized by.
RowBounds row_bounds(const LayerConfig& config, std::int64_t tokens);

}  // namespace moe::model
