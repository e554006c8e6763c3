// exp32, sigmoid32 and lane_sum32: near to the true value, monotone, and in the order that they
// promise.
#include "core/exact_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace moe {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Distance from the true value in units of the last place that a float32 of that size has.
double ulps(float got, double want) {
  const double unit = std::ldexp(1.0, std::ilogb(want) - 23);
  return std::abs(static_cast<double>(got) - want) / unit;
}

/// Every 2^-13 between the two: neither arguments nor their sums are rounded.
template <class Function>
void sweep(float low, float high, const Function& visit) {
  constexpr float kStep = 1.0f / 8192;
  for (float x = low; x <= high; x += kStep) visit(x);
}

TEST(Exp32, IsWithinTwoUlps) {
  double worst = 0;
  sweep(-87.25f, 88.25f,
        [&](float x) { worst = std::max(worst, ulps(exp32(x), std::exp(double{x}))); });
  EXPECT_LT(worst, 2.0);
  EXPECT_GT(worst, 0.0);
}

TEST(Exp32, IsMonotone) {
  float last = 0;
  sweep(-88.0f, 89.0f, [&](float x) {
    EXPECT_GE(exp32(x), last) << "at " << x;
    last = exp32(x);
  });
}

TEST(Exp32, HasExactAndClampedEnds) {
  EXPECT_EQ(exp32(0.0f), 1.0f);
  EXPECT_EQ(exp32(-0.0f), 1.0f);
  EXPECT_LT(ulps(exp32(-87.3f), std::exp(double{-87.3f})), 2.0);
  EXPECT_GE(exp32(-87.3f), std::numeric_limits<float>::min()) << "no subnormal result";
  EXPECT_EQ(exp32(std::nextafter(-87.3f, -kInfinity)), 0.0f);
  EXPECT_EQ(exp32(-kInfinity), 0.0f);
  EXPECT_EQ(exp32(kInfinity), exp32(88.3f));
  EXPECT_TRUE(std::isfinite(exp32(kInfinity)));
  EXPECT_TRUE(std::isnan(exp32(std::numeric_limits<float>::quiet_NaN())));
}

TEST(Sigmoid32, IsWithinThreeUlps) {
  double worst = 0;
  sweep(-80.0f, 80.0f, [&](float x) {
    worst = std::max(worst, ulps(sigmoid32(x), 1.0 / (1.0 + std::exp(-double{x}))));
  });
  EXPECT_LT(worst, 3.0);  // exp32 and two roundings
}

TEST(Sigmoid32, RisesFromZeroToOne) {
  EXPECT_EQ(sigmoid32(0.0f), 0.5f);
  EXPECT_EQ(sigmoid32(100.0f), 1.0f);
  EXPECT_EQ(sigmoid32(kInfinity), 1.0f);
  EXPECT_GE(sigmoid32(-kInfinity), 0.0f);
  EXPECT_LT(sigmoid32(-kInfinity), 1e-38f);
  float last = 0;
  sweep(-20.0f, 20.0f, [&](float x) {
    EXPECT_GE(sigmoid32(x), last) << "at " << x;
    last = sigmoid32(x);
  });
}

TEST(LaneSum32, AddsWhatIsThere) {
  std::vector<float> values;
  EXPECT_EQ(lane_sum32(values.data(), 0), 0.0f);
  for (int i = 1; i <= 100; ++i) values.push_back(static_cast<float>(i));
  EXPECT_EQ(lane_sum32(values.data(), 1), 1.0f);
  EXPECT_EQ(lane_sum32(values.data(), 33), 561.0f);
  EXPECT_EQ(lane_sum32(values.data(), 100), 5050.0f);
}

TEST(LaneSum32, LanesAddBeforeTheyFold) {
  std::vector<float> values(33, 0.0f);
  values[0] = 1e8f;
  values[16] = -1e8f;
  values[32] = 1.0f;  // joins lane 0 and is lost in 1e8; one after the other would give 1
  EXPECT_EQ(lane_sum32(values.data(), 33), 0.0f);
}

TEST(LaneSum32, LanesFoldInHalves) {
  std::vector<float> values(32, 0.0f);
  values[0] = 1e8f;
  values[16] = -1e8f;  // meets lane 0 first
  values[1] = 1.0f;    // neighbours first, or one after the other, would lose it
  EXPECT_EQ(lane_sum32(values.data(), 32), 1.0f);
}

}  // namespace
}  // namespace moe
