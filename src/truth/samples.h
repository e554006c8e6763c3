// Which tokens, experts and channels to compare when comparing all would take too long.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "truth/router.h"
#include "truth/weight_gradients.h"

namespace moe::truth {

/// `wanted` numbers below `total`, ascending, those `included` among them; all when `total` is
/// less. Equal seeds give equal samples on every machine.
std::vector<std::int64_t> sample(std::int64_t total, std::int64_t wanted,
                                 std::set<std::int64_t> included, std::uint64_t seed);

/// The smallest expert that has rows, the largest, and one without rows, as far as they exist.
std::set<std::int64_t> telling_experts(const RoutedRows& routed);

/// The first and the last token, and those at both ends of the telling experts' rows, where tiles
/// end.
std::set<std::int64_t> telling_tokens(const RoutedRows& routed);

/// `per_expert` channels of every listed expert and, where there is one, of the shared expert,
/// which come last.
std::vector<Channel> sample_channels(const LayerConfig& config,
                                     const std::vector<std::int64_t>& experts,
                                     std::int64_t per_expert, std::uint64_t seed);

}  // namespace moe::truth
