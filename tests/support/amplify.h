// Seeded numbers of narrow layers, brought to where float16 has all its bits.
#pragma once

#include <cstring>
#include <vector>

#include "measure/problem/problem.h"
#include "moe/moe.h"

namespace moe::tests {

/// Multiplies a float16 tensor of a device, and the host's copy of it, by a power of two.
inline void scale(Device& device, TensorView view, TensorView host_copy, float factor) {
  if (view.empty()) return;
  std::vector<float16> values(static_cast<std::size_t>(view.size()));
  device.copy_to_host(values.data(), view.data, view.bytes());
  for (float16& value : values) value = float16(factor * static_cast<float>(value));
  device.copy_from_host(view.data, values.data(), view.bytes());
  std::memcpy(host_copy.data, values.data(), view.bytes());
}

/// What a layer of a few dozen channels gives is below 2^-14, where float16 has fewer bits and no
/// implementation is within the tolerance. Logits stay as they are. Other types need nothing.
inline void amplify(Device& device, const measure::Problem& problem, const LayerConfig& config) {
  if (config.dtype != DType::f16) return;
  const auto host = problem.host(config);
  const Weights& w = problem.weights();
  scale(device, problem.x(), host.x, 16);
  scale(device, problem.d_out(), host.d_out, 16);
  scale(device, w.w_router, host.weights.w_router, 1.0f / 16);
  scale(device, w.w_shared_gate, host.weights.w_shared_gate, 1.0f / 16);
}

}  // namespace moe::tests
