// The layout of gradients: that of moe/layer.h.
#include "truth/gradient_views.h"

#include <cmath>

#include "truth/mlp.h"

namespace moe::truth {

std::vector<NamedTensor> named_gradients(const Gradients& gradients) {
  std::vector<NamedTensor> tensors{
      {"d_w_router", gradients.w_router, {"expert", "column"}},
      {"d_b_router", gradients.b_router, {"expert"}},
      {"d_w_up", gradients.w_up, {"expert", "row", "column"}},
      {"d_w_down", gradients.w_down, {"expert", "row", "column"}},
      {"d_b_up", gradients.b_up, {"expert", "row"}},
      {"d_b_down", gradients.b_down, {"expert", "row"}},
      {"d_w_shared_up", gradients.w_shared_up, {"row", "column"}},
      {"d_w_shared_down", gradients.w_shared_down, {"row", "column"}},
      {"d_w_shared_gate", gradients.w_shared_gate, {"column"}},
  };
  std::erase_if(tensors, [](const NamedTensor& tensor) { return tensor.view.empty(); });
  return tensors;
}

MlpGradients gradients_of(const LayerConfig& config, const Gradients& gradients,
                          std::int64_t expert) {
  MlpGradients part;
  part.hidden_dim = config.hidden_dim;
  if (expert == kSharedExpert) {
    part.up = {"d_w_shared_up", gradients.w_shared_up, {"row", "column"}};
    part.down = {"d_w_shared_down", gradients.w_shared_down, {"row", "column"}};
    part.ffn_dim = config.shared.ffn_dim;
    part.up_dim = config.shared_up_dim();
    part.expert = part.up_first = part.down_first = 0;
  } else {
    part.up = {"d_w_up", gradients.w_up, {"expert", "row", "column"}};
    part.down = {"d_w_down", gradients.w_down, {"expert", "row", "column"}};
    part.up_bias = {"d_b_up", gradients.b_up, {"expert", "row"}};
    part.down_bias = {"d_b_down", gradients.b_down, {"expert", "row"}};
    part.layout = config.up_layout;
    part.expert = expert;
    part.ffn_dim = config.ffn_dim;
    part.up_dim = config.up_dim();
    part.up_first = expert * part.up_dim * part.hidden_dim;
    part.down_first = expert * part.hidden_dim * part.ffn_dim;
  }
  return part;
}

void compare_up(const MlpGradients& got, std::int64_t channel, const ChannelGradient& want,
                Difference& difference) {
  if (got.up.view.empty()) return;
  const ChannelRows rows = rows_of_channel(got.layout, got.up_dim, got.ffn_dim, channel);
  compare(got.up, got.up_first + rows.gate * got.hidden_dim, 1, want.gate, difference);
  compare(got.up, got.up_first + rows.up * got.hidden_dim, 1, want.up, difference);
}

void compare_down(const MlpGradients& got, std::int64_t channel, const ChannelGradient& want,
                  Difference& difference) {
  if (got.down.view.empty()) return;
  compare(got.down, got.down_first + channel, got.ffn_dim, want.down, difference);
}

void compare_up_bias(const MlpGradients& got, std::int64_t channel, const ChannelGradient& want,
                     Difference& difference) {
  if (got.up_bias.view.empty()) return;
  const std::int64_t first = got.expert * got.up_dim;
  const ChannelRows rows = rows_of_channel(got.layout, got.up_dim, got.ffn_dim, channel);
  if (rows.gate != rows.up)
    compare(got.up_bias, first + rows.gate, 1, {want.gate_bias}, difference);
  compare(got.up_bias, first + rows.up, 1, {want.up_bias}, difference);
  difference.add_term(std::sqrt(want.square_bias_terms));
}

void compare_down_bias(const MlpGradients& got, const std::vector<double>& want,
                       Difference& difference) {
  if (got.down_bias.view.empty()) return;
  compare(got.down_bias, got.expert * got.hidden_dim, 1, want, difference);
}

void add_not_zero(const MlpGradients& got, Offences& offences) {
  const std::int64_t up_end = got.up_first + got.up_dim * got.hidden_dim;
  const std::int64_t down_end = got.down_first + got.ffn_dim * got.hidden_dim;
  if (!got.up.view.empty()) add_not_zero(got.up, got.up_first, up_end, offences);
  if (!got.down.view.empty()) add_not_zero(got.down, got.down_first, down_end, offences);
  const auto add_bias = [&](const NamedTensor& bias, std::int64_t width) {
    if (bias.view.empty()) return;
    add_not_zero(bias, got.expert * width, (got.expert + 1) * width, offences);
  };
  add_bias(got.up_bias, got.up_dim);
  add_bias(got.down_bias, got.hidden_dim);
}

}  // namespace moe::truth
