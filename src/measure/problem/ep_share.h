// One rank of expert parallelism alone: its experts, with the rows that it would receive from all
// ranks. No communication; so that a layer whose weights fill eight cards can be measured on one.
#pragma once

#include <cstdint>
#include <string>

#include "moe/config.h"
#include "record/record.h"
#include "routing/replay.h"
#include "routing/traffic.h"

namespace moe::measure {

struct EpShare {
  record::EpRank about;
  LayerConfig layer;        // of E / ranks experts, without router, rounding and shared expert
  std::int64_t tokens = 0;  // that have at least one pair here, renumbered from 0
  routing::GivenRows rows;  // exactly max_rows of them; no choice
};

/// Routes `tokens` tokens over all experts by seeded logits that spread as a random router's do
/// (plus the traffic's offsets), and keeps what goes to rank `rank` of `ranks`, counted from 1.
/// Throws Error{usage} unless 1 <= rank <= ranks and `ranks` divides the experts.
EpShare ep_share(const LayerConfig& layer, std::int64_t tokens, const routing::Traffic& traffic,
                 std::uint64_t seed, std::int64_t rank, std::int64_t ranks);

/// "3/8" to 3 and 8. Throws Error{usage}.
void parse_ep_rank(const std::string& text, std::int64_t& rank, std::int64_t& ranks);

}  // namespace moe::measure
