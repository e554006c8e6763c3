// Which part of a variant's weight gradients belongs to which expert and channel.
#pragma once

#include <cstdint>
#include <vector>

#include "moe/config.h"
#include "moe/layer.h"
#include "truth/named_tensor.h"
#include "truth/weight_gradients.h"

namespace moe::truth {

/// All gradients that are there, with the names of checks: "d_w_up".
std::vector<NamedTensor> named_gradients(const Gradients& gradients);

/// The gradients of one MLP inside the tensors that hold them. An empty view has nothing to
/// compare.
struct MlpGradients {
  NamedTensor up, down, up_bias, down_bias;
  UpLayout layout = UpLayout::concatenated;  // of up and up_bias
  std::int64_t expert;                       // 0 of the shared one
  std::int64_t up_first, down_first;         // element at which this MLP's part begins
  std::int64_t hidden_dim, ffn_dim, up_dim;  // [d], [n], [u]
};

/// Of an expert or, with kSharedExpert, of the shared one.
MlpGradients gradients_of(const LayerConfig& config, const Gradients& gradients,
                          std::int64_t expert);

/// Rows of d_w_up that belong to one channel.
void compare_up(const MlpGradients& got, std::int64_t channel, const ChannelGradient& want,
                Difference& difference);

/// The column of d_w_down that belongs to one channel.
void compare_down(const MlpGradients& got, std::int64_t channel, const ChannelGradient& want,
                  Difference& difference);

/// Elements of d_b_up that belong to one channel, relative to their terms where they cancel.
void compare_up_bias(const MlpGradients& got, std::int64_t channel, const ChannelGradient& want,
                     Difference& difference);

/// All of an expert's d_b_down.
void compare_down_bias(const MlpGradients& got, const std::vector<double>& want,
                       Difference& difference);

/// Adds whatever is not exactly 0 in the gradients of one MLP.
void add_not_zero(const MlpGradients& got, Offences& offences);

}  // namespace moe::truth
