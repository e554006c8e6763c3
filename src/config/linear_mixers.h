// Inside the room: what one layer of each kind of linear mixer holds, from the sizes in
// config.json. Biases, norms and the vectors of decay are left out; they are under a thousandth of
// a layer.
#pragma once

#include <cstdint>

#include "moe/attention.h"

namespace moe::config {

struct Heads {
  std::int64_t count, dim;
  constexpr std::int64_t width() const { return count * dim; }
};

/// Qwen3-Next: projections of q, k, v and an output gate z, two scalar gates per value head, a
/// short convolution over q, k and v, an output projection. State: keys x values per value head,
/// and the convolution's last `conv - 1` inputs.
constexpr LinearMixer gated_delta_net(std::int64_t num_layers, std::int64_t hidden_dim, Heads keys,
                                      Heads values, std::int64_t conv) {
  const std::int64_t mixed = 2 * keys.width() + values.width();  // q, k, v
  const std::int64_t in = mixed + values.width() + 2 * values.count;
  return {num_layers, hidden_dim * in + conv * mixed + values.width() * hidden_dim,
          values.count * keys.dim * values.dim + (conv - 1) * mixed};
}

/// Mamba-2: values, gate, the input and output matrices B and C of each group, a step per head; a
/// short convolution over values, B and C.
constexpr LinearMixer mamba2(std::int64_t num_layers, std::int64_t hidden_dim, Heads values,
                             std::int64_t num_groups, std::int64_t state_dim, std::int64_t conv) {
  const std::int64_t mixed = values.width() + 2 * num_groups * state_dim;
  const std::int64_t in = mixed + values.width() + values.count;
  return {num_layers, hidden_dim * in + conv * mixed + values.width() * hidden_dim,
          values.width() * state_dim + (conv - 1) * mixed};
}

/// Kimi Delta Attention: q, k and v of equal width with a convolution each; decay and output gate
/// through a bottleneck of one head's width; a scalar gate per head.
constexpr LinearMixer kimi_delta_attention(std::int64_t num_layers, std::int64_t hidden_dim,
                                           Heads heads, std::int64_t conv) {
  const std::int64_t width = heads.width();
  const std::int64_t bottleneck = hidden_dim * heads.dim + heads.dim * width;
  return {num_layers,
          4 * hidden_dim * width + 2 * bottleneck + hidden_dim * heads.count + 3 * conv * width,
          heads.count * heads.dim * heads.dim + 3 * (conv - 1) * width};
}

}  // namespace moe::config
