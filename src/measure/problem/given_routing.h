// The routing of a trace in the place of a router's: rows on the host, for the check and the
// report, and their copy on the device, for the layer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "measure/problem/device_buffer.h"
#include "moe/config.h"
#include "moe/routing.h"
#include "routing/replay.h"

namespace moe::measure {

class GivenRouting {
 public:
  /// `layer` must outlive this object. Throws as routing::replay() does.
  GivenRouting(Device& device, const LayerConfig& config, const routing::TraceLayer& layer,
               std::int64_t tokens, std::uint64_t rounding_seed = 0);
  /// Of rows that somebody else made.
  GivenRouting(Device& device, routing::GivenRows rows);
  GivenRouting(const GivenRouting&) = delete;
  GivenRouting& operator=(const GivenRouting&) = delete;

  /// As Inputs::given wants it.
  const Routing& on_device() const { return device_; }
  const Routing& on_host() const { return host_; }
  const routing::GivenRows& rows() const { return rows_; }
  /// The logits behind the choice, f32 [T, E], or empty.
  std::span<const float> logits() const { return logits_; }

  /// Device memory that one takes.
  static std::int64_t bytes(const LayerConfig& config, std::int64_t tokens);
  static std::int64_t bytes(const routing::GivenRows& rows);

 private:
  routing::GivenRows rows_;
  std::span<const float> logits_;
  DeviceBuffer memory_;
  Routing host_, device_;
};

}  // namespace moe::measure
