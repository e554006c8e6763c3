// Activations against the same formulas in double; derivatives against finite differences.
#include "core/activation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace moe {
namespace {

constexpr float kPoints[] = {-30.0f, -5.0f, -1.5f, -0.25f, 0.0f, 0.125f,
                             0.75f,  1.0f,  3.0f,  9.0f,   30.0f};
constexpr float kUpstream = 0.75f;

double exact_swiglu(double gate, double up) {
  return gate / (1.0 + std::exp(-gate)) * up;
}

template <class Function>
double slope(const Function& f, double at) {
  constexpr double kStep = 1e-5;
  return (f(at + kStep) - f(at - kStep)) / (2 * kStep);
}

void expect_near(double got, double want, double tolerance) {
  EXPECT_NEAR(got, want, tolerance * std::max(1.0, std::abs(want)));
}

TEST(Swiglu, MatchesItsFormula) {
  for (float gate : kPoints) {
    for (float up : kPoints) expect_near(swiglu(gate, up), exact_swiglu(gate, up), 1e-6);
  }
}

TEST(Swiglu, BackwardMatchesFiniteDifferences) {
  for (float gate : kPoints) {
    for (float up : kPoints) {
      SCOPED_TRACE(testing::Message() << "gate " << gate << ", up " << up);
      const SwigluGradient gradient = swiglu_backward(gate, up, kUpstream);
      EXPECT_EQ(gradient.a, swiglu(gate, up));
      const auto of_gate = [&](double x) { return exact_swiglu(x, up); };
      const auto of_up = [&](double x) { return exact_swiglu(gate, x); };
      expect_near(gradient.d_gate, kUpstream * slope(of_gate, gate), 1e-6);
      expect_near(gradient.d_up, kUpstream * slope(of_up, up), 1e-6);
    }
  }
}

TEST(Swiglu, StaysFiniteFarOut) {
  EXPECT_NEAR(swiglu(-1000.0f, 2.0f), 0, 1e-30);
  EXPECT_EQ(swiglu(1000.0f, 2.0f), 2000.0f);
  for (float gate : {-1000.0f, 1000.0f}) {
    const SwigluGradient gradient = swiglu_backward(gate, 2.0f, 1.0f);
    EXPECT_NEAR(gradient.d_gate, gate > 0 ? 2 : 0, 1e-30);
    EXPECT_NEAR(gradient.d_up, gate > 0 ? 1000 : 0, 1e-30);
  }
}

TEST(Relu2, MatchesItsFormulaAndFiniteDifferences) {
  const auto exact = [](double h) { return h > 0 ? h * h : 0.0; };
  for (float h : kPoints) {
    EXPECT_EQ(relu2(h), static_cast<float>(exact(h)));
    expect_near(relu2_backward(h, kUpstream), kUpstream * slope(exact, h), 1e-5);
  }
  EXPECT_EQ(relu2_backward(0.0f, kUpstream), 0.0f);
}

}  // namespace
}  // namespace moe
