// The layer by hand: one token, two numbers wide, numbers that a pencil can follow.
#include "truth/tokens.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/interleave.h"
#include "truth/owned_problem.h"
#include "truth/weight_gradients.h"

namespace moe::truth {
namespace {

void fill(const TensorView& view, const std::vector<double>& values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    set_element(view, static_cast<std::int64_t>(i), values[i]);
}

/// d = 2, n = 1, one expert, relu2; x = (2, 1), d_out = (1, -1).
OwnedProblem one_expert(DType dtype) {
  LayerConfig config;
  config.hidden_dim = 2;
  config.ffn_dim = 1;
  config.num_experts = 1;
  config.top_k = 1;
  config.activation = Activation::relu2;
  config.gate.scale = 0.5f;
  OwnedProblem owned(config, 1, dtype);
  fill(owned.problem.x, {2, 1});
  fill(owned.problem.d_out, {1, -1});
  fill(owned.problem.weights.w_up, {1, 1});      // h = 3, a = 9
  fill(owned.problem.weights.w_down, {1, 0.5});  // y = (9, 4.5)
  return owned;
}

TEST(TokenValues, OfRelu2ByHandInEveryType) {
  for (DType dtype : {DType::f64, DType::f32, DType::bf16, DType::f16}) {
    const OwnedProblem owned = one_expert(dtype);
    const RoutedRows routed = owned.route_all();
    const TokenValues values = token_values(owned.problem, routed, {0})[0];
    EXPECT_EQ(values.out, (std::vector<double>{4.5, 2.25}));  // half of y
    EXPECT_EQ(values.d_scores, (std::vector<double>{4.5}));   // 9 - 4.5
    // d_a = 0.5 * (1 - 0.5) = 0.25, d_h = 2 * 3 * 0.25 = 1.5; one expert's softmax is constant.
    EXPECT_EQ(values.d_x, (std::vector<double>{1.5, 1.5}));
    const ChannelGradient gradient = channel_gradients(owned.problem, routed, {{0, 0}})[0];
    EXPECT_TRUE(gradient.gate.empty());
    EXPECT_EQ(gradient.up, (std::vector<double>{3, 1.5}));       // d_h * x
    EXPECT_EQ(gradient.down, (std::vector<double>{4.5, -4.5}));  // score * a * d_out
  }
}

TEST(TokenValues, SwigluTakesGateRowsFirst) {
  LayerConfig config;
  config.hidden_dim = 1;
  config.ffn_dim = 1;
  config.num_experts = 1;
  config.top_k = 1;
  OwnedProblem owned(config, 1, DType::f64);
  fill(owned.problem.x, {1});
  fill(owned.problem.weights.w_up, {2, 3});  // gate 2, up 3
  fill(owned.problem.weights.w_down, {1});
  const TokenValues values = token_values(owned.problem, owned.route_all(), {0})[0];
  EXPECT_DOUBLE_EQ(values.out[0], 2 / (1 + std::exp(-2.0)) * 3);
}

TEST(TokenValues, InterleavedRowsAreGateAndUpInTurns) {
  LayerConfig config;
  config.hidden_dim = 1;
  config.ffn_dim = 2;
  config.num_experts = 1;
  config.top_k = 1;
  config.up_layout = UpLayout::interleaved;
  config.expert_bias = true;
  OwnedProblem owned(config, 1, DType::f64);
  fill(owned.problem.x, {1});
  fill(owned.problem.weights.w_up, {2, 3, 4, 5});
  fill(owned.problem.weights.b_up, {0, 1, 2, 3});  // gates 2 and 6, ups 4 and 8
  fill(owned.problem.weights.w_down, {1, 10});
  fill(owned.problem.weights.b_down, {0});
  const TokenValues values = token_values(owned.problem, owned.route_all(), {0})[0];
  const double first = 2 / (1 + std::exp(-2.0)) * 4, second = 6 / (1 + std::exp(-6.0)) * 8;
  EXPECT_DOUBLE_EQ(values.out[0], first + 10 * second);
}

/// The same weights in the other order: nothing but the order of their rows may tell.
TEST(TokenValues, DoNotDependOnTheLayoutOfUp) {
  LayerConfig config;
  config.hidden_dim = 7;
  config.ffn_dim = 5;
  config.num_experts = 3;
  config.top_k = 2;
  config.activation = Activation::clamped_swiglu;
  config.expert_bias = true;
  config.shared = {4, true};
  const OwnedProblem owned(config, 6, DType::f64);
  OwnedProblem other(config, 6, DType::f64);
  other.problem.config.up_layout = UpLayout::interleaved;
  for (const auto& [view, row_size] :
       {std::pair(other.problem.weights.w_up, 7), std::pair(other.problem.weights.b_up, 1)}) {
    const std::span<const double> values(view.as<double>(), static_cast<std::size_t>(view.size()));
    fill(view, tests::interleaved(values, 5, row_size));
  }
  const RoutedRows routed = owned.route_all();
  const auto want = token_values(owned.problem, routed, {0, 3, 5});
  const auto got = token_values(other.problem, routed, {0, 3, 5});
  for (std::size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].out, want[i].out);
    EXPECT_EQ(got[i].d_x, want[i].d_x);
    EXPECT_EQ(got[i].d_scores, want[i].d_scores);
  }
  const std::vector<Channel> channels{{1, 3}, {kSharedExpert, 2}};
  const auto want_gradients = channel_gradients(owned.problem, routed, channels);
  const auto got_gradients = channel_gradients(other.problem, routed, channels);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    EXPECT_EQ(got_gradients[i].gate, want_gradients[i].gate);
    EXPECT_EQ(got_gradients[i].up, want_gradients[i].up);
    EXPECT_EQ(got_gradients[i].down, want_gradients[i].down);
    EXPECT_EQ(got_gradients[i].gate_bias, want_gradients[i].gate_bias);
    EXPECT_EQ(got_gradients[i].up_bias, want_gradients[i].up_bias);
  }
}

TEST(TokenValues, ATokenWithoutExpertHasTheSharedOneOnly) {
  LayerConfig config;
  config.hidden_dim = 1;
  config.ffn_dim = 1;
  config.num_experts = 1;
  config.top_k = 1;
  config.activation = Activation::relu2;
  config.shared = {1, true};
  OwnedProblem owned(config, 1, DType::f64);
  fill(owned.problem.x, {2});
  fill(owned.problem.weights.w_shared_up, {1});
  fill(owned.problem.weights.w_shared_down, {1});
  fill(owned.problem.weights.w_shared_gate, {0});
  const std::int32_t no_rows[] = {0, 0};
  const RoutedRows nothing = given_rows(no_rows, nullptr, nullptr, 1, 1);
  const TokenValues values = token_values(owned.problem, nothing, {0})[0];
  EXPECT_EQ(values.out, (std::vector<double>{2}));  // sigmoid(0) * 2^2
  EXPECT_TRUE(values.d_scores.empty());
}

TEST(TokenValues, WithoutDOutAreForwardOnly) {
  OwnedProblem owned = one_expert(DType::f32);
  owned.problem.d_out = {};
  const TokenValues values = token_values(owned.problem, owned.route_all(), {0})[0];
  EXPECT_EQ(values.out, (std::vector<double>{4.5, 2.25}));
  EXPECT_TRUE(values.d_x.empty());
  EXPECT_TRUE(values.d_scores.empty());
}

TEST(TokenValues, DoNotDependOnWhichTokensAreAskedTogether) {
  LayerConfig config;
  config.hidden_dim = 64;  // together the tokens are worth threads, some of them are not
  config.ffn_dim = 96;
  config.num_experts = 3;
  config.top_k = 2;
  const OwnedProblem owned(config, 20, DType::f32);
  const RoutedRows routed = owned.route_all();
  std::vector<std::int64_t> all;
  for (std::int64_t t = 0; t < 20; ++t) all.push_back(t);
  const std::vector<TokenValues> together = token_values(owned.problem, routed, all);
  const std::vector<TokenValues> some = token_values(owned.problem, routed, {13, 4});
  EXPECT_EQ(some[0].out, together[13].out);
  EXPECT_EQ(some[1].d_x, together[4].d_x);
}

}  // namespace
}  // namespace moe::truth
