// Order statistics against values worked out by hand.
#include "measure/run/statistics.h"

#include <gtest/gtest.h>

namespace moe::measure {
namespace {

TEST(Quantile, InterpolatesAsTypeSeven) {
  // R: quantile(c(15, 20, 35, 40, 50), c(.05, .25, .4, .5, .95), type = 7)
  const std::vector<double> samples = {35, 50, 15, 40, 20};
  EXPECT_DOUBLE_EQ(quantile(samples, 0.05), 16);
  EXPECT_DOUBLE_EQ(quantile(samples, 0.25), 20);
  EXPECT_DOUBLE_EQ(quantile(samples, 0.4), 29);
  EXPECT_DOUBLE_EQ(quantile(samples, 0.5), 35);
  EXPECT_DOUBLE_EQ(quantile(samples, 0.95), 48);
}

TEST(Quantile, EndsAreTheExtremes) {
  EXPECT_DOUBLE_EQ(quantile({3, 1, 2, 9}, 0), 1);
  EXPECT_DOUBLE_EQ(quantile({3, 1, 2, 9}, 1), 9);
  EXPECT_DOUBLE_EQ(quantile({7}, 0.3), 7);
  EXPECT_DOUBLE_EQ(quantile({1, 2}, 0.5), 1.5);
}

TEST(RelativeIqr, IsTheMiddleHalfOverTheMedian) {
  EXPECT_DOUBLE_EQ(relative_iqr({1, 2, 3, 4, 5}), 2.0 / 3);
  EXPECT_DOUBLE_EQ(relative_iqr({4, 4, 4}), 0);
}

TEST(Summarize, KeepsSamplesInTheirOrder) {
  const record::Timing timing = summarize({3, 1, 2}, 3);
  EXPECT_EQ(timing.samples_s, (std::vector<double>{3, 1, 2}));
  EXPECT_DOUBLE_EQ(timing.median_s, 2);
  EXPECT_DOUBLE_EQ(timing.q1_s, 1.5);
  EXPECT_DOUBLE_EQ(timing.q3_s, 2.5);
  EXPECT_DOUBLE_EQ(timing.p5_s, 1.1);
  EXPECT_DOUBLE_EQ(timing.p95_s, 2.9);
}

TEST(Summarize, SpeaksOfNoiseOnlyWithEnoughSamples) {
  EXPECT_FALSE(summarize({1, 2, 3}, 4).noise.has_value());
  ASSERT_TRUE(summarize({1, 2, 3}, 3).noise.has_value());
  EXPECT_DOUBLE_EQ(*summarize({1, 2, 3}, 3).noise, 0.5);
}

}  // namespace
}  // namespace moe::measure
