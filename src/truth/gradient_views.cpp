// The layout of gradients: that of moe/layer.h.
#include "truth/gradient_views.h"

namespace moe::truth {

std::vector<NamedTensor> named_gradients(const Gradients& gradients) {
  std::vector<NamedTensor> tensors{
      {"d_w_router", gradients.w_router, {"expert", "column"}},
      {"d_w_up", gradients.w_up, {"expert", "row", "column"}},
      {"d_w_down", gradients.w_down, {"expert", "row", "column"}},
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
    part.up_first = part.down_first = 0;
  } else {
    part.up = {"d_w_up", gradients.w_up, {"expert", "row", "column"}};
    part.down = {"d_w_down", gradients.w_down, {"expert", "row", "column"}};
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
  const std::int64_t up_row = got.up_dim - got.ffn_dim + channel;
  compare(got.up, got.up_first + channel * got.hidden_dim, 1, want.gate, difference);
  compare(got.up, got.up_first + up_row * got.hidden_dim, 1, want.up, difference);
}

void compare_down(const MlpGradients& got, std::int64_t channel, const ChannelGradient& want,
                  Difference& difference) {
  if (got.down.view.empty()) return;
  compare(got.down, got.down_first + channel, got.ffn_dim, want.down, difference);
}

void add_not_zero(const MlpGradients& got, Offences& offences) {
  const std::int64_t up_end = got.up_first + got.up_dim * got.hidden_dim;
  const std::int64_t down_end = got.down_first + got.ffn_dim * got.hidden_dim;
  if (!got.up.view.empty()) add_not_zero(got.up, got.up_first, up_end, offences);
  if (!got.down.view.empty()) add_not_zero(got.down, got.down_first, down_end, offences);
}

}  // namespace moe::truth
