// The result of an implementation without errors, for tests to plant defects in.
#pragma once

#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "measure/verify/verify.h"
#include "truth/mlp.h"
#include "truth/owned_problem.h"

namespace moe::measure {

inline LayerConfig small_config() {
  LayerConfig config;
  config.hidden_dim = 16;
  config.ffn_dim = 12;
  config.num_experts = 6;
  config.top_k = 2;
  return config;
}

inline std::vector<std::int64_t> numbers_below(std::int64_t count) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

/// A problem and the result of an implementation without errors: the truth, rounded to the layer's
/// type.
class Fake {
 public:
  explicit Fake(const LayerConfig& config = small_config(), DType dtype = DType::f32,
                std::int64_t tokens = 50, bool given = false)
      : owned(config, tokens, dtype) {
    avoid_last_expert();
    const std::vector<double> exact = owned.logits();
    result.logits.assign(exact.begin(), exact.end());
    routed = truth::route(owned.problem.config, result.logits.data(),
                          owned.problem.weights.b_select.as<float>(), tokens);
    if (given) {
      routed.chosen_experts.clear();
      routed.logits.clear();
      result.logits.clear();
    }
    copy_routing();
    copy_tokens();
    copy_gradients();
    if (given) give_routing();
  }
  Fake(const Fake&) = delete;
  Fake& operator=(const Fake&) = delete;

  std::vector<record::Check> verify() const {
    return measure::verify(owned.problem, result, options);
  }

  std::int64_t rows_of(std::int64_t e) const {
    return routed.expert_offsets[e + 1] - routed.expert_offsets[e];
  }
  std::int64_t largest_expert() const {
    std::int64_t largest = 0;
    for (std::int64_t e = 1; e < config().num_experts; ++e)
      largest = rows_of(e) > rows_of(largest) ? e : largest;
    return largest;
  }
  const LayerConfig& config() const { return owned.problem.config; }

  truth::OwnedProblem owned;
  truth::RoutedRows routed;
  HostResult result;
  VerifyOptions options;
  HostResult given;  // the caller's routing, where it is the caller's

 private:
  /// Leaves one expert without rows, by the offsets that synthetic traffic uses.
  void avoid_last_expert() {
    const std::int64_t num_experts = config().num_experts;
    if (num_experts == config().top_k) return;
    const TensorView offsets = owned.store.make(DType::f32, {owned.problem.tokens(), num_experts});
    for (std::int64_t t = 0; t < owned.problem.tokens(); ++t) {
      truth::set_element(offsets, t * num_experts + num_experts - 1, -20);
    }
    owned.problem.logit_offsets = offsets;
  }

  void copy_routing() {
    result.expert_offsets = routed.expert_offsets;
    result.row_tokens = routed.row_tokens;
    result.row_scores.assign(routed.row_scores.begin(), routed.row_scores.end());
    result.token_offsets = routed.token_offsets;
    result.token_rows = routed.token_rows;
    result.row_tokens.push_back(-1);  // arrays are as long as max_rows
    result.token_rows.push_back(-1);
    result.row_scores.push_back(std::numeric_limits<float>::quiet_NaN());
    if (routed.given()) return;
    result.chosen_experts = routed.chosen_experts;
    const std::vector<double> scores = truth::chosen_scores(config(), routed);
    result.chosen_scores.assign(scores.begin(), scores.end());
  }

  void give_routing() {
    given = result;
    const auto rows = static_cast<std::int64_t>(given.row_tokens.size());
    given_view_ = {{given.expert_offsets.data(), DType::i32, {config().num_experts + 1}},
                   {given.row_tokens.data(), DType::i32, {rows}},
                   {given.row_scores.data(), DType::f32, {rows}},
                   {given.token_offsets.data(), DType::i32, {owned.problem.tokens() + 1}},
                   {given.token_rows.data(), DType::i32, {rows}},
                   rows};
    options.given = &given_view_;
  }

  void copy_tokens() {
    const std::int64_t tokens = owned.problem.tokens(), d = config().hidden_dim;
    result.out = owned.store.make(config().dtype, {tokens, d});
    result.d_x = owned.store.make(config().dtype, {tokens, d});
    result.d_scores =
        owned.store.make(DType::f32, {static_cast<std::int64_t>(routed.row_tokens.size()) + 1});
    const auto values = truth::token_values(owned.problem, routed, numbers_below(tokens));
    for (std::int64_t t = 0; t < tokens; ++t) {
      for (std::int64_t c = 0; c < d; ++c) {
        truth::set_element(result.out, t * d + c, values[t].out[c]);
        truth::set_element(result.d_x, t * d + c, values[t].d_x[c]);
      }
      for (std::size_t k = 0; k < values[t].d_scores.size(); ++k) {
        truth::set_element(result.d_scores, routed.token_rows[routed.token_offsets[t] + k],
                           values[t].d_scores[k]);
      }
    }
  }

  void copy_channel(const truth::Channel& channel, const truth::ChannelGradient& gradient) {
    const LayerConfig& c = config();
    Gradients& g = result.gradients;
    const bool shared = channel.expert == truth::kSharedExpert;
    const std::int64_t d = c.hidden_dim, n = shared ? c.shared.ffn_dim : c.ffn_dim,
                       e = shared ? 0 : channel.expert;
    const std::int64_t u = shared ? c.shared_up_dim() : c.up_dim();
    const TensorView& up = shared ? g.w_shared_up : g.w_up;
    const TensorView& down = shared ? g.w_shared_down : g.w_down;
    const UpLayout layout = shared ? UpLayout::concatenated : c.up_layout;
    const truth::ChannelRows rows = truth::rows_of_channel(layout, u, n, channel.index);
    for (std::int64_t j = 0; j < d; ++j) {
      if (u > n) truth::set_element(up, (e * u + rows.gate) * d + j, gradient.gate[j]);
      truth::set_element(up, (e * u + rows.up) * d + j, gradient.up[j]);
      truth::set_element(down, (e * d + j) * n + channel.index, gradient.down[j]);
    }
    if (shared || !c.expert_bias) return;
    if (u > n) truth::set_element(g.b_up, e * u + rows.gate, gradient.gate_bias);
    truth::set_element(g.b_up, e * u + rows.up, gradient.up_bias);
  }

  void copy_gradients() {
    const LayerConfig& c = config();
    const std::int64_t d = c.hidden_dim, num_experts = c.num_experts;
    Gradients& g = result.gradients;
    g.w_up = owned.store.make(c.dtype, {num_experts, c.up_dim(), d});
    g.w_down = owned.store.make(c.dtype, {num_experts, d, c.ffn_dim});
    if (c.expert_bias) make_bias_gradients();
    if (c.shared.ffn_dim > 0) {
      g.w_shared_up = owned.store.make(c.dtype, {c.shared_up_dim(), d});
      g.w_shared_down = owned.store.make(c.dtype, {d, c.shared.ffn_dim});
    }
    std::vector<truth::Channel> channels;
    for (std::int64_t e = 0; e < num_experts; ++e) {
      for (std::int64_t i = 0; i < c.ffn_dim; ++i) channels.push_back({e, i});
    }
    for (std::int64_t i = 0; i < c.shared.ffn_dim; ++i)
      channels.push_back({truth::kSharedExpert, i});
    const auto gradients = truth::channel_gradients(owned.problem, routed, channels);
    for (std::size_t i = 0; i < channels.size(); ++i) copy_channel(channels[i], gradients[i]);
    if (c.shared.gated) copy_vector(truth::shared_gate_gradient(owned.problem), g.w_shared_gate);
    if (!routed.given()) copy_router_gradient();
  }

  void make_bias_gradients() {
    const LayerConfig& c = config();
    Gradients& g = result.gradients;
    g.b_up = owned.store.make(c.dtype, {c.num_experts, c.up_dim()});
    g.b_down = owned.store.make(c.dtype, {c.num_experts, c.hidden_dim});
    for (std::int64_t e = 0; e < c.num_experts; ++e) {
      const auto down = truth::down_bias_gradient(owned.problem, routed, e);
      for (std::int64_t j = 0; j < c.hidden_dim; ++j)
        truth::set_element(g.b_down, e * c.hidden_dim + j, down[j]);
    }
  }

  void copy_vector(const std::vector<double>& values, TensorView& view) {
    view = owned.store.make(config().dtype, {static_cast<std::int64_t>(values.size())});
    for (std::size_t i = 0; i < values.size(); ++i) truth::set_element(view, i, values[i]);
  }

  void copy_router_gradient() {
    const std::int64_t d = config().hidden_dim, num_experts = config().num_experts;
    result.gradients.w_router = owned.store.make(config().dtype, {num_experts, d});
    const std::vector<double> d_scores =
        truth::read(result.d_scores, 0, 1, routed.row_tokens.size());
    const auto rows =
        truth::router_gradients(owned.problem, routed, d_scores, numbers_below(num_experts));
    for (std::int64_t i = 0; i < num_experts * d; ++i) {
      truth::set_element(result.gradients.w_router, i, rows[i / d].row[i % d]);
    }
    if (!config().gate.logit_bias) return;
    result.gradients.b_router = owned.store.make(config().dtype, {num_experts});
    for (std::int64_t e = 0; e < num_experts; ++e)
      truth::set_element(result.gradients.b_router, e, rows[e].bias);
  }

  Routing given_view_;
};

}  // namespace moe::measure
