// Synthetic traffic: constant offsets on the logits that make a random router behave as wished.
// They are added inside the timed router: every variant pays for routing as it would in a model.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "moe/config.h"

namespace moe::routing {

enum class TrafficKind {
  natural,   // what the random router gives: no offsets
  balanced,  // every expert gets floor or ceil of T*K/E tokens
  zipf,      // expert popularity ~ 1 / rank^exponent, ranks shuffled by the seed
  hot,       // every token prefers the same `hot_experts` experts
  trace,     // the recorded choice of `trace_file`: no router runs (routing/replay.h)
};

struct Traffic {
  TrafficKind kind = TrafficKind::natural;
  double exponent = 0;           // zipf
  std::int64_t hot_experts = 0;  // hot
  std::string trace_file;
  std::int64_t trace_layer = 0;
};

/// "natural", "balanced", "zipf:1.2", "hot:2", "trace:FILE", "trace:FILE@LAYER". Throws
/// Error{usage} with the accepted forms.
Traffic parse_traffic(std::string_view text);
std::string to_string(const Traffic& traffic);

/// Offsets f32 [T, E], empty for natural traffic and traces. Groups that a gate drops also drop
/// zipf's and hot's experts in them. Throws Error{usage} for more hot experts than there are, and
/// where groups make exact balance impossible.
std::vector<float> logit_offsets(const LayerConfig& config, const Traffic& traffic,
                                 std::int64_t tokens, std::uint64_t seed);

}  // namespace moe::routing
