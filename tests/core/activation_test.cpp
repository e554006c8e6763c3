// The float32 activations against the truth's formulas in double, near and far.
#include "core/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "truth/mlp.h"

namespace moe {
namespace {

constexpr float kPoints[] = {-30.0f, -9.0f, -7.0f, -5.0f, -1.5f, -0.25f, 0.0f, 0.125f,
                             0.75f,  1.0f,  3.0f,  6.99f, 7.0f,  9.0f,   30.0f};

struct Got {
  float a, by_gate, by_up;
};

/// The two kinds under one signature: ungated ones are functions of up.
Got evaluate(Activation activation, float gate, float up) {
  Got got{};
  with_activation(activation, [&]<Activation kActivation>() {
    if constexpr (kIsGated<kActivation>) {
      const GatedCurve at = gated_curve<kActivation>(gate, up);
      got = {at.a, at.by_gate, at.by_up};
    } else {
      const Curve at = curve<kActivation>(up);
      got = {at.value, 0.0f, at.slope};
    }
  });
  return got;
}

void expect_near(double got, double want, const char* what) {
  EXPECT_NEAR(got, want, 2e-6 * std::max(1.0, std::abs(want))) << what;
}

class EveryActivation : public testing::TestWithParam<Activation> {};

TEST_P(EveryActivation, AgreesWithTheTruth) {
  for (float gate : kPoints) {
    for (float up : kPoints) {
      SCOPED_TRACE(testing::Message() << "gate " << gate << ", up " << up);
      const Got got = evaluate(GetParam(), gate, up);
      const truth::Activated want = truth::activate(GetParam(), gate, up);
      expect_near(got.a, want.a, "a");
      expect_near(got.by_gate, want.by_gate, "by gate");
      expect_near(got.by_up, want.by_up, "by up");
    }
  }
}

TEST_P(EveryActivation, AgreesWithTheTruthBetweenThePoints) {
  for (float x = -12.0f; x <= 12.0f; x += 1.0f / 64) {
    const Got got = evaluate(GetParam(), x, 0.75f), of_up = evaluate(GetParam(), 0.75f, x);
    expect_near(got.a, truth::activate(GetParam(), x, 0.75f).a, "a along the gate");
    expect_near(got.by_gate, truth::activate(GetParam(), x, 0.75f).by_gate, "by gate");
    expect_near(of_up.a, truth::activate(GetParam(), 0.75f, x).a, "a along up");
    expect_near(of_up.by_up, truth::activate(GetParam(), 0.75f, x).by_up, "by up");
  }
}

TEST_P(EveryActivation, StaysFiniteFarOut) {
  for (float gate : {-1e5f, -1000.0f, 1000.0f, 1e5f}) {
    for (float up : {-1e5f, 2.0f, 1e5f}) {
      const Got got = evaluate(GetParam(), gate, up);
      const truth::Activated want = truth::activate(GetParam(), gate, up);
      expect_near(got.a, want.a, "a");
      expect_near(got.by_gate, want.by_gate, "by gate");
      expect_near(got.by_up, want.by_up, "by up");
    }
  }
}

/// Verification looks for NaN in what a variant did not write: no activation may swallow one.
TEST_P(EveryActivation, ShowsANaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(evaluate(GetParam(), nan, nan).a));
}

INSTANTIATE_TEST_SUITE_P(Core, EveryActivation, testing::ValuesIn(kActivations),
                         [](const auto& info) { return std::string(name_of(info.param)); });

double worst_cdf_error(float reach) {
  double worst = 0;
  for (float x = -reach; x <= reach; x += 1.0f / 256) {
    const double want = 0.5 * std::erfc(-double{x} / std::sqrt(2.0));
    worst = std::max(worst, std::abs(normal_cdf<ExactMath>(x) - want) / want);
  }
  return worst;
}

TEST(NormalCdf, KeepsItsRelativeErrorInBothTails) {
  EXPECT_LT(worst_cdf_error(3.0f), 1e-6);
  EXPECT_LT(worst_cdf_error(9.0f), 1e-5);
}

TEST(ClampedSwiglu, HasSlopesAtTheLimitsAndNoneBeyond) {
  const float beyond = std::nextafter(7.0f, 8.0f);
  const auto at = [](float gate, float up) {
    return gated_curve<Activation::clamped_swiglu>(gate, up);
  };
  EXPECT_NE(at(7.0f, 1.0f).by_gate, 0.0f);
  EXPECT_EQ(at(beyond, 1.0f).by_gate, 0.0f);
  EXPECT_NE(at(-50.0f, 1.0f).by_gate, 0.0f) << "the gate has no lower limit";
  EXPECT_NE(at(1.0f, 7.0f).by_up, 0.0f);
  EXPECT_NE(at(1.0f, -7.0f).by_up, 0.0f);
  EXPECT_EQ(at(1.0f, beyond).by_up, 0.0f);
  EXPECT_EQ(at(1.0f, -beyond).by_up, 0.0f);
}

TEST(Gated, AreThoseWithTwoRowsPerChannel) {
  int gated = 0;
  for (Activation activation : kActivations) gated += is_gated(activation);
  EXPECT_EQ(gated, 5);
  EXPECT_TRUE(is_gated(Activation::clamped_swiglu));
  EXPECT_FALSE(is_gated(Activation::silu));
}

}  // namespace
}  // namespace moe
