// The error measure: zeros, NaN, the worst place.
#include "truth/difference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace moe::truth {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Difference, IsNormRelativeOverAllValues) {
  Difference difference;
  difference.add(3.0, 3.0, 0);
  difference.add(4.5, 4.0, 1);
  EXPECT_DOUBLE_EQ(difference.error(), 0.5 / 5.0);
  EXPECT_EQ(difference.worst_place(), 1);
  EXPECT_EQ(difference.worst_got(), 4.5);
  EXPECT_EQ(difference.worst_want(), 4.0);
}

TEST(Difference, ZeroOverZeroIsZero) {
  Difference difference;
  EXPECT_EQ(difference.error(), 0);
  difference.add(-0.0, 0.0, 0);
  EXPECT_EQ(difference.error(), 0);
}

TEST(Difference, AgainstZerosIsTheNorm) {
  Difference difference;
  difference.add(3e-9, 0, 0);
  difference.add(4e-9, 0, 1);
  EXPECT_DOUBLE_EQ(difference.error(), 5e-9);
}

TEST(Difference, OfWhatCancelsIsRelativeToItsTerms) {
  Difference difference;
  difference.add(1e-8, 0, 0);
  difference.add_term(3);
  difference.add_term(4);
  EXPECT_DOUBLE_EQ(difference.error(), 1e-8 / 5);
  difference.add(1000, 1000, 1);
  EXPECT_NEAR(difference.error(), 1e-8 / 1000, 1e-20);
}

TEST(Difference, NanAndInfinityNeverPass) {
  for (double bad : {std::nan(""), kInfinity, -kInfinity}) {
    for (double want : {1.0, 0.0, kInfinity}) {
      Difference difference;
      difference.add(5.0, 1.0, 6);
      difference.add(bad, want, 7);
      EXPECT_EQ(difference.error(), kInfinity) << bad << " for " << want;
      EXPECT_EQ(difference.worst_place(), 7);
    }
  }
}

}  // namespace
}  // namespace moe::truth
