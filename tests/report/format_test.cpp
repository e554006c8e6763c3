// Units and digits.
#include "report/text/format.h"

#include <gtest/gtest.h>

namespace moe::report {
namespace {

TEST(FormatMoved, CountsInPowersOfTen) {
  EXPECT_EQ(format_moved(36.1e9), "36.1 GB");
  EXPECT_EQ(format_moved(586e6), "586 MB");
}

TEST(Format, TimesChooseTheirUnit) {
  EXPECT_EQ(format_time(1.2381), "1.24 s");
  EXPECT_EQ(format_time(0.0483), "48.3 ms");
  EXPECT_EQ(format_time(7.21e-5), "72.1 us");
  EXPECT_EQ(format_time(312.4), "312 s");
}

TEST(Format, AColumnOfTimesStaysInMilliseconds) {
  EXPECT_EQ(time_scale(3.2).unit, "ms");
  EXPECT_EQ(time_scale(250).unit, "s");
  EXPECT_EQ(time_scale(0.0009).unit, "us");
  EXPECT_EQ(time_scale(0).unit, "ms");  // no row ran
}

TEST(Format, DigitsFollowTheLargestOfAColumn) {
  EXPECT_EQ(format_number(3124.4, 3124.4), "3124");
  EXPECT_EQ(format_number(912.6, 3124.4), "913");
  EXPECT_EQ(format_number(44.3, 44.3), "44.30");
  EXPECT_EQ(format_number(7.9, 44.3), "7.90");
  EXPECT_EQ(format_number(123456.7, 123456.7), "123457");
  EXPECT_EQ(format_number(0.7412, 0.7412, 3), "0.74");
}

TEST(Format, FlopRatesStayReadableOnACpu) {
  EXPECT_EQ(format_flops_rate(9.87e10), "98.7 GFLOP/s");
  EXPECT_EQ(format_flops_rate(7.92e14), "792 TFLOP/s");
  EXPECT_EQ(format_flops(6.18e11), "618 GFLOP");
  EXPECT_EQ(format_flops(9.9e12), "9.90 TFLOP");
}

TEST(Format, CountsAndBytes) {
  EXPECT_EQ(format_count(853), "853");
  EXPECT_EQ(format_count(12345), "12.3 k");
  EXPECT_EQ(format_count(1.39e6), "1.39 M");
  EXPECT_EQ(format_bytes(148.0 * (1 << 20)), "148 MiB");
  EXPECT_EQ(format_bytes(1.9 * (1 << 30)), "1.90 GiB");
  EXPECT_EQ(format_byte_rate(1.41e10), "14.1 GB/s");
  EXPECT_EQ(bytes_scale(9.0 * (1 << 30)).unit, "MiB");
  EXPECT_EQ(bytes_scale(11.0 * (1 << 30)).unit, "GiB");
}

TEST(Format, IntegersAreGrouped) {
  EXPECT_EQ(format_integer(0), "0");
  EXPECT_EQ(format_integer(999), "999");
  EXPECT_EQ(format_integer(55296), "55,296");
  EXPECT_EQ(format_integer(-1234567), "-1,234,567");
}

TEST(Format, PercentRatioAndError) {
  EXPECT_EQ(format_percent(0.031), "3.1 %");
  EXPECT_EQ(format_percent(0.5, 0), "50 %");
  EXPECT_EQ(format_ratio(1.887), "1.89x");
  EXPECT_EQ(format_error(3.14e-7), "3.1e-07");
}

}  // namespace
}  // namespace moe::report
