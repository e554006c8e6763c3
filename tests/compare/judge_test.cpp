// Each way to a verdict, and each reason for having none.
#include <gtest/gtest.h>

#include "compare/compare_runs.h"
#include "compare/timings.h"

namespace moe::compare {
namespace {

using record::PointComparison;
using record::Verdict;

constexpr double kThreshold = 0.02;

TEST(Judge, ClearChangesAreFasterAndSlower) {
  const PointComparison slower = compare_timings(timing(1.0), timing(1.05), kThreshold);
  EXPECT_EQ(slower.verdict, Verdict::slower);
  EXPECT_NEAR(slower.change, 0.05, 1e-3);
  EXPECT_LT(*slower.change_low, 0.05);
  EXPECT_GT(*slower.change_high, 0.05);
  EXPECT_EQ(slower.slower_share, 1);
  EXPECT_EQ(slower.reason, "");
  const PointComparison faster = compare_timings(timing(1.05), timing(1.0), kThreshold);
  EXPECT_EQ(faster.verdict, Verdict::faster);
  EXPECT_NEAR(faster.change, 1 / 1.05 - 1, 1e-3);
  EXPECT_EQ(faster.slower_share, 0);
}

TEST(Judge, ATrifleIsTheSameHoweverSureItIs) {
  const PointComparison point = compare_timings(timing(1.0, 200), timing(1.01, 200), kThreshold);
  EXPECT_LT(point.p, 1e-20);
  EXPECT_EQ(point.verdict, Verdict::same);
}

TEST(Judge, EqualSamplesAreTheSame) {
  const PointComparison point = compare_timings(timing(1.0), timing(1.0), kThreshold);
  EXPECT_EQ(point.verdict, Verdict::same);
  EXPECT_EQ(point.change, 0);
  EXPECT_NEAR(point.p, 1, 1e-12);
}

TEST(Judge, FewSamplesAreUnclearHoweverFarApart) {
  const PointComparison point = compare_timings(timing(1.0, 3), timing(2.0, 3), kThreshold);
  EXPECT_EQ(point.verdict, Verdict::unclear);
  EXPECT_EQ(point.reason, "too few samples: 5 in each run are enough");
  EXPECT_FALSE(point.change_low);
  EXPECT_NEAR(point.change, 1, 0.02) << "what it looks like is still told";
  EXPECT_EQ(compare_timings(timing(1.0, 5), timing(2.0, 5), kThreshold).verdict, Verdict::slower);
}

TEST(Judge, NoiseThatMayHideAChangeIsUnclear) {
  const auto noisy = [](double median_s) { return timing(median_s, 12, 0.2); };
  const PointComparison point = compare_timings(noisy(1.0), noisy(1.03), kThreshold);
  EXPECT_EQ(point.verdict, Verdict::unclear);
  EXPECT_EQ(point.reason, "may be chance: take more samples");
}

TEST(Judge, AChangeAroundTheThresholdIsUnclear) {
  const PointComparison point =
      compare_timings(timing(1.0, 60, 0.02), timing(1.018, 60, 0.02), kThreshold);
  EXPECT_LT(point.p, 0.01);
  EXPECT_EQ(point.verdict, Verdict::unclear);
  EXPECT_EQ(point.reason, "a change, but perhaps below the threshold");
}

TEST(Judge, AShiftSmallBesideTheSpreadIsUnclear) {
  const PointComparison point =
      compare_timings(timing(1.0, 400, 0.3), timing(1.06, 400, 0.3), kThreshold);
  EXPECT_LT(point.p, 0.01);
  EXPECT_GT(point.change, kThreshold);
  EXPECT_LT(point.slower_share, 0.71);
  EXPECT_EQ(point.verdict, Verdict::unclear);
  EXPECT_EQ(point.reason, "small beside the spread of the samples");
}

TEST(Judge, ASampleOfZeroSecondsIsUnclear) {
  record::Timing zero = timing(1.0);
  zero.samples_s[3] = 0;
  const PointComparison point = compare_timings(timing(1.0), zero, kThreshold);
  EXPECT_EQ(point.verdict, Verdict::unclear);
  EXPECT_EQ(point.reason, "a sample is below the resolution of the clock");
}

TEST(Judge, OneSlowOutlierDecidesNothing) {
  record::Timing with_outlier = timing(1.0);
  with_outlier.samples_s.back() = 50;
  EXPECT_EQ(compare_timings(timing(1.0), with_outlier, kThreshold).verdict, Verdict::same);
}

PointComparison clocked(double change, Verdict verdict, double a_mhz, double b_mhz) {
  PointComparison point;
  point.change = change;
  point.verdict = verdict;
  point.a_core_mhz = a_mhz;
  point.b_core_mhz = b_mhz;
  consider_clocks(point, kThreshold);
  return point;
}

TEST(Judge, AChangeThatTheClockExplainsIsUnclear) {
  const PointComparison point = clocked(0.037, Verdict::slower, 1755, 1689);
  EXPECT_EQ(point.verdict, Verdict::unclear);
  EXPECT_EQ(point.reason, "the clock moved -3.8 %: -0.2 % at equal clocks");
  EXPECT_EQ(clocked(0, Verdict::same, 1689, 1755).verdict, Verdict::unclear)
      << "a faster clock hides a slower kernel";
  EXPECT_EQ(clocked(-0.03, Verdict::faster, 1600, 1760).verdict, Verdict::unclear)
      << "slower at equal clocks";
}

TEST(Judge, AChangeBeyondTheClockStands) {
  EXPECT_EQ(clocked(0.3, Verdict::slower, 1755, 1689).verdict, Verdict::slower);
  EXPECT_EQ(clocked(0.037, Verdict::slower, 1755, 1750).verdict, Verdict::slower)
      << "clocks within 1 % are equal";
  PointComparison unknown;
  unknown.verdict = Verdict::faster;
  unknown.change = -0.1;
  unknown.b_core_mhz = 1700;
  consider_clocks(unknown, kThreshold);
  EXPECT_EQ(unknown.verdict, Verdict::faster) << "nothing is known of A";
}

}  // namespace
}  // namespace moe::compare
