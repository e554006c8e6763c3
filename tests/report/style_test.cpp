// Colours and text of plots.
#include "report/plot/style.h"

#include <gtest/gtest.h>

#include <set>

#include "report/plot/gnuplot.h"

namespace moe::report {
namespace {

TEST(Style, EveryVariantHasItsOwnColor) {
  std::set<std::string> colors;
  for (const char* variant :
       {"vanilla", "grouped_gemm", "grouped_gemm+rounding", "sonic", "sonic+rounding", "another"}) {
    colors.insert(variant_color(variant));
  }
  EXPECT_EQ(colors.size(), 6u);
  EXPECT_EQ(variant_color("another"), variant_color("yet another"));
}

TEST(Style, TintsGoFromTheColorToWhite) {
  EXPECT_EQ(tinted("#0072b2", 0), "#0072b2");
  EXPECT_EQ(tinted("#0072b2", 0.5), "#80b9d9");
  EXPECT_EQ(tinted("#0072b2", 1), "#ffffff");
}

TEST(Style, ShortenedTextCountsCodePoints) {
  EXPECT_EQ(shortened("exactly ten", 11), "exactly ten");
  EXPECT_EQ(shortened("exactly ten", 10), "exactly...");
  EXPECT_EQ(shortened("\xc2\xb5\xc2\xb5\xc2\xb5\xc2\xb5\xc2\xb5", 4), "\xc2\xb5...");
}

TEST(Style, QuotedTextCannotLeaveItsString) {
  EXPECT_EQ(quoted("it's `id` $(id)\nnow"), "'it''s `id` $(id) now'");
}

}  // namespace
}  // namespace moe::report
