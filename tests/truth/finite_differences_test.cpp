// Every gradient of the truth against central differences of loss = <d_out, out>, the choice held
// fixed.
#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "truth/difference.h"
#include "truth/mlp.h"
#include "truth/owned_problem.h"
#include "truth/tokens.h"
#include "truth/weight_gradients.h"

namespace moe::truth {
namespace {

constexpr double kTolerance = 1e-6;

struct Case {
  std::string name;
  LayerConfig config;
  bool given = false;   // the routing is the caller's: no gradient goes through scores
  double up_scale = 1;  // of w_up: how far out the activation works
};

LayerConfig base() {
  LayerConfig config;
  config.hidden_dim = 5;
  config.ffn_dim = 3;
  config.num_experts = 6;
  config.top_k = 2;
  return config;
}

LayerConfig with_gate(GateKind kind, bool renormalize, float scale) {
  LayerConfig config = base();
  config.gate.kind = kind;
  config.gate.renormalize = renormalize;
  config.gate.scale = scale;
  return config;
}

LayerConfig with_groups(GateKind kind, bool renormalize) {
  LayerConfig config = with_gate(kind, renormalize, 2.5f);
  config.gate.num_groups = 3;
  config.gate.kept_groups = 2;
  config.gate.selection_bias = kind == GateKind::sigmoid;
  return config;
}

LayerConfig rounded(LayerConfig config, RoundingRule rule) {
  config.rounding = {rule, 4};
  return config;
}

LayerConfig with_biases(Activation activation, UpLayout layout = UpLayout::concatenated) {
  LayerConfig config = base();
  config.activation = activation;
  config.up_layout = layout;
  config.expert_bias = true;
  config.gate.logit_bias = true;
  return config;
}

LayerConfig with_shared(Activation activation, bool gated) {
  LayerConfig config = base();
  config.activation = activation;
  config.shared = {4, gated};
  return config;
}

/// Every activation near 0, and where the clamped one cuts.
void add_activations(std::vector<Case>& cases) {
  for (Activation activation : kActivations) {
    const std::string name(name_of(activation));
    cases.push_back({name + "_shared", with_shared(activation, false)});
    cases.push_back({name + "_far_shared_gated", with_shared(activation, true), false, 8});
  }
}

std::vector<Case> cases() {
  const LayerConfig all_softmax = with_gate(GateKind::softmax_topk, false, 1.5f);
  const LayerConfig sigmoid = with_gate(GateKind::sigmoid, true, 2.0f);
  std::vector<Case> cases{
      {"topk_softmax", base()},
      {"topk_softmax_scaled", with_gate(GateKind::topk_softmax, false, 0.5f)},
      {"softmax_topk", all_softmax},
      {"softmax_topk_renormalized", with_gate(GateKind::softmax_topk, true, 1.0f)},
      {"softmax_topk_groups", with_groups(GateKind::softmax_topk, false)},
      {"sigmoid", with_gate(GateKind::sigmoid, false, 1.0f)},
      {"sigmoid_renormalized", sigmoid},
      {"sigmoid_groups_bias", with_groups(GateKind::sigmoid, true)},
      {"rounding_up", rounded(base(), RoundingRule::up)},
      {"rounding_down", rounded(base(), RoundingRule::down)},
      {"rounding_nearest_softmax_topk", rounded(all_softmax, RoundingRule::nearest)},
      {"rounding_nearest_sigmoid", rounded(sigmoid, RoundingRule::nearest)},
      {"rounding_up_sigmoid_groups",
       rounded(with_groups(GateKind::sigmoid, true), RoundingRule::up)},
      {"rounding_balance", rounded(base(), RoundingRule::balance)},
      {"rounding_stochastic_score", rounded(sigmoid, RoundingRule::stochastic_score)},
      {"biases_swiglu", with_biases(Activation::swiglu)},
      {"biases_clamped_swiglu", with_biases(Activation::clamped_swiglu), false, 8},
      {"biases_relu2", with_biases(Activation::relu2)},
      {"interleaved", with_biases(Activation::clamped_swiglu, UpLayout::interleaved), false, 8},
      {"given", with_shared(Activation::swiglu, true), true},
  };
  add_activations(cases);
  return cases;
}

std::vector<std::int64_t> first_numbers(std::int64_t count) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

class FiniteDifferences : public testing::TestWithParam<Case> {
 protected:
  FiniteDifferences() : owned_(GetParam().config, 11, DType::f64), routed_(owned_.route_all()) {
    for (const TensorView& up : {problem().weights.w_up, problem().weights.w_shared_up}) {
      if (up.empty()) continue;
      for (std::int64_t i = 0; i < up.size(); ++i) up.as<double>()[i] *= GetParam().up_scale;
    }
    if (GetParam().given) {
      routed_.chosen_experts.clear();
      routed_.logits.clear();
    }
  }

  const Problem& problem() const { return owned_.problem; }
  std::vector<TokenValues> all_tokens() const {
    return token_values(problem(), routed_, first_numbers(problem().tokens()));
  }

  double loss() const {
    RoutedRows routed = routed_;
    if (!routed.given()) replace_logits(problem().config, owned_.logits(), routed);
    Problem forward = problem();
    forward.d_out = {};
    double sum = 0;
    const std::vector<TokenValues> values =
        token_values(forward, routed, first_numbers(forward.tokens()));
    for (std::size_t t = 0; t < values.size(); ++t) {
      for (std::size_t c = 0; c < values[t].out.size(); ++c) {
        sum += values[t].out[c] * element(problem().d_out, t * values[t].out.size() + c);
      }
    }
    return sum;
  }

  /// d loss / d tensor[index]
  double slope(const TensorView& tensor, std::int64_t index) const {
    constexpr double kStep = 1e-5;
    double* value = tensor.as<double>() + index;
    const double before = *value;
    *value = before + kStep;
    const double above = loss();
    *value = before - kStep;
    const double below = loss();
    *value = before;
    return (above - below) / (2 * kStep);
  }

  void expect_gradient(const TensorView& tensor, std::int64_t first, std::int64_t stride,
                       const std::vector<double>& gradient, const std::string& name) const {
    Difference difference;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      const auto index = first + stride * static_cast<std::int64_t>(i);
      difference.add(gradient[i], slope(tensor, index), index);
    }
    // Central differences carry an absolute error of about 1e-10 of their own.
    if (difference.error() > kTolerance) {
      EXPECT_NEAR(difference.worst_got(), difference.worst_want(), 1e-8)
          << name << " at element " << difference.worst_place();
    }
  }

  void expect_channel(const Channel& channel) const {
    const LayerConfig& c = problem().config;
    const Weights& w = problem().weights;
    const bool shared = channel.expert == kSharedExpert;
    const ChannelGradient gradient = channel_gradients(problem(), routed_, {channel})[0];
    const std::int64_t d = c.hidden_dim, n = shared ? c.shared.ffn_dim : c.ffn_dim,
                       i = channel.index;
    const std::int64_t e = shared ? 0 : channel.expert;
    const std::int64_t up_rows = shared ? c.shared_up_dim() : c.up_dim();
    const TensorView& up = shared ? w.w_shared_up : w.w_up;
    const TensorView& down = shared ? w.w_shared_down : w.w_down;
    const UpLayout layout = shared ? UpLayout::concatenated : c.up_layout;
    const ChannelRows rows = rows_of_channel(layout, up_rows, n, i);
    expect_gradient(up, (e * up_rows + rows.gate) * d, 1, gradient.gate, "gate row");
    expect_gradient(up, (e * up_rows + rows.up) * d, 1, gradient.up, "up row");
    expect_gradient(down, e * d * n + i, n, gradient.down, "down column");
    if (shared || !c.expert_bias) return;
    if (up_rows > n)
      expect_gradient(w.b_up, e * up_rows + rows.gate, 1, {gradient.gate_bias}, "gate bias");
    expect_gradient(w.b_up, e * up_rows + rows.up, 1, {gradient.up_bias}, "up bias");
    expect_gradient(w.b_down, e * d, 1, down_bias_gradient(problem(), routed_, e), "down bias");
  }

  OwnedProblem owned_;
  RoutedRows routed_;
};

TEST_P(FiniteDifferences, OfX) {
  const std::vector<TokenValues> values = all_tokens();
  const std::int64_t d = problem().config.hidden_dim;
  for (std::int64_t t = 0; t < problem().tokens(); ++t) {
    expect_gradient(problem().x, t * d, 1, values[t].d_x, "x of token " + std::to_string(t));
  }
}

TEST_P(FiniteDifferences, OfRouter) {
  if (GetParam().given) return;  // there is no router
  std::vector<double> d_scores(routed_.row_tokens.size());
  const std::vector<TokenValues> values = all_tokens();
  for (std::size_t t = 0; t < values.size(); ++t) {
    for (std::size_t k = 0; k < values[t].d_scores.size(); ++k) {
      d_scores[routed_.token_rows[routed_.token_offsets[t] + k]] = values[t].d_scores[k];
    }
  }
  const std::int64_t d = problem().config.hidden_dim;
  const auto experts = first_numbers(problem().config.num_experts);
  const auto gradients = router_gradients(problem(), routed_, d_scores, experts);
  for (std::int64_t e : experts) {
    expect_gradient(problem().weights.w_router, e * d, 1, gradients[e].row,
                    "w_router of " + std::to_string(e));
    if (!problem().config.gate.logit_bias) continue;
    expect_gradient(problem().weights.b_router, e, 1, {gradients[e].bias}, "router bias");
  }
}

TEST_P(FiniteDifferences, OfExperts) {
  for (std::int64_t e = 0; e < problem().config.num_experts; ++e) expect_channel({e, (e + 1) % 3});
}

TEST_P(FiniteDifferences, OfSharedExpert) {
  for (std::int64_t i = 0; i < problem().config.shared.ffn_dim; ++i)
    expect_channel({kSharedExpert, i});
  if (!problem().config.shared.gated) return;
  expect_gradient(problem().weights.w_shared_gate, 0, 1, shared_gate_gradient(problem()),
                  "shared gate");
}

INSTANTIATE_TEST_SUITE_P(Truth, FiniteDifferences, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

/// The cases above must contain what they are there for.
TEST(RoundedCases, AddAndDropPairs) {
  int added = 0, dropped = 0;
  for (const Case& one : cases()) {
    if (one.config.rounding.rule == RoundingRule::none) continue;
    const RoutedRows routed = OwnedProblem(one.config, 11, DType::f64).route_all();
    std::int64_t kept = 0;
    for (std::size_t row = 0; row < routed.row_tokens.size(); ++row) {
      const auto chosen = routed.chosen_experts.begin() + 2 * routed.row_tokens[row];
      kept += std::count(chosen, chosen + 2, routed.row_experts[row]);
    }
    added += static_cast<std::int64_t>(routed.row_tokens.size()) > kept;
    dropped += kept < 22;
  }
  EXPECT_GE(added, 3);
  EXPECT_GE(dropped, 2);
}

}  // namespace
}  // namespace moe::truth
