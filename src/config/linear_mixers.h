// Inside the room: what one layer of each kind of linear mixer holds, from the sizes in
// config.json. Biases, norms and the vectors of decay are left out; they are under a thousandth of
// a layer.
#pragma once

#include <cstdint>

#include "moe/attention.h"

namespace moe::config {

struct Heads {
  std::int64_t count, dim;
  constexpr double width() const { return static_cast<double>(count) * static_cast<double>(dim); }
};

/// In doubles, exact for every real model and without overflow for absurd ones, which validate()
/// refuses afterwards.
constexpr LinearMixer linear_mixer(std::int64_t num_layers, double parameters,
                                   double state_elements) {
  constexpr double kAbsurd = 0x1p60;
  return {num_layers, static_cast<std::int64_t>(parameters < kAbsurd ? parameters : kAbsurd),
          static_cast<std::int64_t>(state_elements < kAbsurd ? state_elements : kAbsurd)};
}

/// Qwen3-Next: projections of q, k, v and an output gate z, two scalar gates per value head, a
/// short convolution over q, k and v, an output projection. State: keys x values per value head,
/// and the convolution's last `conv - 1` inputs.
constexpr LinearMixer gated_delta_net(std::int64_t num_layers, double hidden_dim, Heads keys,
                                      Heads values, double conv) {
  const double mixed = 2 * keys.width() + values.width();  // q, k, v
  const double in = mixed + values.width() + 2.0 * values.count;
  return linear_mixer(num_layers, hidden_dim * (in + values.width()) + conv * mixed,
                      values.width() * keys.dim + (conv - 1) * mixed);
}

/// Mamba-2: values, gate, the input and output matrices B and C of each group, a step per head; a
/// short convolution over values, B and C; an output projection.
constexpr LinearMixer mamba2(std::int64_t num_layers, double hidden_dim, Heads values,
                             double num_groups, double state_dim, double conv) {
  const double mixed = values.width() + 2 * num_groups * state_dim;
  const double in = mixed + values.width() + static_cast<double>(values.count);
  return linear_mixer(num_layers, hidden_dim * (in + values.width()) + conv * mixed,
                      values.width() * state_dim + (conv - 1) * mixed);
}

/// Mamba-1: values and gate, a convolution, step and state matrices from the values through
/// `step_rank`, an output projection.
constexpr LinearMixer mamba1(std::int64_t num_layers, double hidden_dim, double width,
                             double state_dim, double step_rank, double conv) {
  return linear_mixer(num_layers,
                      3 * hidden_dim * width + width * (conv + 2 * step_rank + 3 * state_dim),
                      width * (state_dim + conv - 1));
}

/// MiniMax's lightning attention: q, k, v, an output gate and the output projection, equally wide.
constexpr LinearMixer lightning_attention(std::int64_t num_layers, double hidden_dim, Heads heads) {
  return linear_mixer(num_layers, 5 * hidden_dim * heads.width(), heads.width() * heads.dim);
}

/// Kimi Delta Attention: q, k and v of equal width with a convolution each; decay and output gate
/// through a bottleneck of one head's width; a scalar gate per head.
constexpr LinearMixer kimi_delta_attention(std::int64_t num_layers, double hidden_dim, Heads heads,
                                           double conv) {
  const double width = heads.width();
  const double bottleneck = (hidden_dim + width) * static_cast<double>(heads.dim);
  return linear_mixer(num_layers,
                      hidden_dim * (4 * width + heads.count) + 2 * bottleneck + 3 * conv * width,
                      width * heads.dim + 3 * (conv - 1) * width);
}

}  // namespace moe::config
