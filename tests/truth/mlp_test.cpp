// The truth's activations against values published elsewhere and their own finite differences.
#include "truth/mlp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace moe::truth {
namespace {

class TrueActivation : public testing::TestWithParam<Activation> {};

TEST_P(TrueActivation, HasTheDerivativesOfItsValue) {
  constexpr double kStep = 1e-6;
  const auto value = [](double gate, double up) { return activate(GetParam(), gate, up).a; };
  for (double gate : {-8.3, -2.1, -0.4, 0.3, 1.7, 6.9, 8.2}) {
    for (double up : {-7.4, -1.2, -0.01, 0.6, 3.3, 7.7}) {
      SCOPED_TRACE(testing::Message() << "gate " << gate << ", up " << up);
      const Activated at = activate(GetParam(), gate, up);
      const double by_gate = (value(gate + kStep, up) - value(gate - kStep, up)) / (2 * kStep);
      const double by_up = (value(gate, up + kStep) - value(gate, up - kStep)) / (2 * kStep);
      EXPECT_NEAR(at.by_gate, by_gate, 1e-7 * std::max(1.0, std::abs(by_gate)));
      EXPECT_NEAR(at.by_up, by_up, 1e-7 * std::max(1.0, std::abs(by_up)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Truth, TrueActivation, testing::ValuesIn(kActivations),
                         [](const auto& info) { return std::string(name_of(info.param)); });

/// torch.nn.functional at 1 and -1: silu, gelu, gelu(approximate="tanh").
TEST(TrueActivations, HaveTheValuesOfPyTorch) {
  const auto at = [](Activation activation, double h) { return activate(activation, 0, h).a; };
  EXPECT_NEAR(at(Activation::silu, 1), 0.7310585786300049, 1e-15);
  EXPECT_NEAR(at(Activation::gelu, 1), 0.8413447460685429, 1e-15);
  EXPECT_NEAR(at(Activation::gelu, -1), -0.15865525393145707, 1e-15);
  EXPECT_NEAR(at(Activation::gelu_tanh, 1), 0.8411919906082768, 1e-15);
  EXPECT_NEAR(at(Activation::gelu_tanh, -1), -0.15880800939172324, 1e-15);
  EXPECT_EQ(at(Activation::relu2, 3), 9);
  EXPECT_EQ(at(Activation::relu2, -3), 0);
}

TEST(TrueActivations, GateTheirUp) {
  EXPECT_NEAR(activate(Activation::geglu, 1, 5).a, 5 * 0.8413447460685429, 1e-14);
  EXPECT_NEAR(activate(Activation::geglu_tanh, 1, 5).a, 5 * 0.8411919906082768, 1e-14);
  EXPECT_NEAR(activate(Activation::swiglu, 1, 5).a, 5 * 0.7310585786300049, 1e-14);
  EXPECT_EQ(activate(Activation::reglu, 2, 5).a, 10);
  EXPECT_EQ(activate(Activation::reglu, -2, 5).a, 0);
}

/// openai/gpt-oss: swiglu(x, alpha = 1.702, limit = 7.0).
TEST(TrueActivations, ClampGateAboveAndUpOnBothSides) {
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const auto a = [](double gate, double up) {
    return activate(Activation::clamped_swiglu, gate, up).a;
  };
  EXPECT_NEAR(a(2, 3), 4 * 2 * sigmoid(3.404), 1e-14);
  EXPECT_NEAR(a(20, 3), 4 * 7 * sigmoid(11.914), 1e-13);
  EXPECT_NEAR(a(-20, 3), 4 * -20 * sigmoid(-34.04), 1e-25) << "no lower limit";
  EXPECT_NEAR(a(2, 30), 8 * 2 * sigmoid(3.404), 1e-13);
  EXPECT_NEAR(a(2, -30), -6 * 2 * sigmoid(3.404), 1e-13);
}

}  // namespace
}  // namespace moe::truth
