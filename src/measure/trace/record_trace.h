// Recording: the router of a configuration runs with its traffic, and what it chose becomes a
// trace.
#pragma once

#include <cstdint>
#include <functional>

#include "moe/config.h"
#include "moe/device.h"
#include "routing/trace.h"
#include "routing/traffic.h"

namespace moe::measure {

struct RecordRequest {
  ModelConfig model;
  routing::Traffic traffic;
  std::uint64_t seed = 42;
  std::int64_t num_layers = 1;
  bool with_logits = false;
};

/// Layer l is what a run with the seed `seed` + l chooses on the same device, to the bit: every
/// layer of a model has a router and inputs of its own. `before_layer` hears each number. Throws
/// Error{device} where the device cannot run the layer, Error{usage} for traffic that is a trace.
routing::Trace record_trace(Device& device, const RecordRequest& request,
                            const std::function<void(std::int64_t layer)>& before_layer);

}  // namespace moe::measure
