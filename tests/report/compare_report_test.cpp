// The screen, the page and the file of a comparison, to the letter.
#include "report/bench/compare_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/fixture.h"

namespace moe::report {
namespace {

using record::Comparison;
using record::Verdict;
using testing::HasSubstr;
using testing::StartsWith;

Comparison comparison() {
  Comparison comparison;
  comparison.a = "a";
  comparison.b = "b";
  comparison.threshold = 0.02;
  comparison.confidence = 0.99;
  comparison.points = {
      {"vanilla",
       "total",
       3.615,
       3.61,
       20,
       20,
       -0.001,
       -0.004,
       0.003,
       0.41,
       {},
       {},
       0.47,
       Verdict::same},
      {"sonic", "total", 3.2, 3, 20, 20, -0.0625, -0.07, -0.05, 1e-9, {}, {}, 0, Verdict::faster},
      {"sonic+rounding",
       "total",
       3,
       3.3,
       20,
       20,
       0.1,
       0.08,
       0.12,
       0.0012,
       {},
       {},
       1,
       Verdict::slower},
      {"mine",
       "total",
       0.5,
       0.6,
       3,
       3,
       0.2,
       {},
       {},
       0.1,
       {},
       {},
       1,
       Verdict::unclear,
       "too few samples"}};
  return comparison;
}

TEST(CompareReport, TheTableTellsMediansChangeProofAndVerdict) {
  EXPECT_EQ(compare_text(comparison(), false),
            "point           A ms  B ms   change    99 % interval        p  B slower  verdict\n"
            "vanilla         3615  3610   -0.1 %   -0.4 to +0.3 %     0.41      47 %  same\n"
            "sonic           3200  3000   -6.2 %   -7.0 to -5.0 %  <0.0001       0 %  faster\n"
            "sonic+rounding  3000  3300  +10.0 %  +8.0 to +12.0 %   0.0012     100 %  slower\n"
            "mine             500   600  +20.0 %                -      0.1     100 %  unclear (too "
            "few samples)\n"
            "1 faster, 1 slower, 1 same, 1 unclear; geometric mean of the changes +5.4 %; "
            "changes within 2 % count as none\n");
}

TEST(CompareReport, ColourIsForVerdictsOnly) {
  const std::string text = compare_text(comparison(), true);
  EXPECT_THAT(text, StartsWith("\x1b[1mpoint "));
  EXPECT_THAT(text, HasSubstr("47 %  same\n"));
  EXPECT_THAT(text, HasSubstr("  \x1b[32mfaster\x1b[0m\n"));
  EXPECT_THAT(text, HasSubstr("  \x1b[31mslower\x1b[0m\n"));
  EXPECT_THAT(text, HasSubstr("  \x1b[33munclear (too few samples)\x1b[0m\n"));
}

TEST(CompareReport, AMachineThatChangedIsAWarning) {
  Comparison changed = comparison();
  changed.a_gemm_ceiling_flops_per_s = 2e11;
  changed.b_gemm_ceiling_flops_per_s = 1.99e11;
  EXPECT_THAT(compare_text(changed, false), testing::Not(HasSubstr("! ")));
  changed.b_gemm_ceiling_flops_per_s = 1.88e11;
  EXPECT_THAT(
      compare_text(changed, false),
      HasSubstr(
          "! the machine or its GEMM library changed (ceiling -6.0 %): changes of that size may "
          "not come from the code\n"));
}

TEST(CompareReport, ClocksStandBesideWhereTheyWereRead) {
  Comparison clocked = comparison();
  clocked.points[0].a_core_mhz = 1725.4;
  clocked.points[0].b_core_mhz = 1689;
  clocked.points[1].b_core_mhz = 1700;
  const std::string text = compare_text(clocked, false);
  EXPECT_THAT(text, HasSubstr("  B slower    MHz A/B  verdict\n"));
  EXPECT_THAT(text, HasSubstr("      47 %  1725/1689  same\n"));
  EXPECT_THAT(text, HasSubstr("       0 %     -/1700  faster\n"));
}

TEST(CompareReport, RemarksAndLostPointsStandUnderTheTable) {
  Comparison more = comparison();
  more.remarks = {"other: in B only"};
  more.lost = {"grouped_gemm: in B failed, d_x differs from the truth"};
  more.conflicts = {{"ffn_dim", "4096", "2048"}};
  EXPECT_THAT(compare_text(more, false),
              HasSubstr("\nother: in B only\nlost: grouped_gemm: in B failed, d_x differs from the "
                        "truth\n! not the same ffn_dim: 4096 and 2048\n"));
}

TEST(CompareReport, TheHeaderTellsBothRunsAndWhereTheyPart) {
  const record::Run a = small_run();
  record::Run b = a;
  b.id = "2026-11-24T04-12-07Z-0001";
  b.environment.git_commit = "5d6e7f8";
  b.environment.git_dirty = true;
  Comparison differing = comparison();
  differing.differences = {{"git_commit", "1a2b3c4", "5d6e7f8"}, {"extra.governor", "", "x"}};
  differing.a_gemm_ceiling_flops_per_s = 2e11;
  differing.b_gemm_ceiling_flops_per_s = 1.9e11;
  EXPECT_EQ(compare_header(differing, a, b),
            "# A        2026-11-23T04-12-07Z-7f3a   git 1a2b3c4\n"
            "# B        2026-11-24T04-12-07Z-0001   git 5d6e7f8 + changes\n"
            "# device   cpu AMD EPYC 9R14, 2 threads\n"
            "# shape    small: T=4096 d=1024 n=4096 E=8 K=2 swiglu fp32\n"
            "# routing  natural, seed 42 | forward and backward\n"
            "# differs  git_commit 1a2b3c4 -> 5d6e7f8 | extra.governor none -> x\n"
            "# ceiling  200 GFLOP/s -> 190 GFLOP/s in one large GEMM (-5.0 %)\n");
}

TEST(CompareReport, TheHeaderOfASweepNamesItsFields) {
  record::Run sweep = small_run();
  sweep.swept = {"tokens", "dtype"};
  sweep.points.resize(6);
  EXPECT_THAT(
      compare_header(comparison(), sweep, sweep),
      HasSubstr("\n# shape    small: 6 points over tokens, dtype; the first is T=4096 d=1024 "
                "n=4096 E=8 K=2 swiglu fp32\n"));
}

TEST(CompareReport, CsvHasPlainNumbersAndEmptyCells) {
  const std::string csv = compare_csv(comparison());
  EXPECT_THAT(csv, StartsWith("point,pass,a_median_s,b_median_s,a_samples,b_samples,change,"
                              "change_low,change_high,p,slower_share,a_core_mhz,b_core_mhz,"
                              "verdict,reason\n"
                              "vanilla,total,3.615,3.61,20,20,-0.001,-0.004,0.003,0.41,0.47,,,same,"
                              "\n"));
  EXPECT_THAT(csv, HasSubstr("mine,total,0.5,0.6,3,3,0.2,,,0.1,1,,,unclear,too few samples\n"));
}

TEST(CompareReport, MarkdownIsAPage) {
  const std::string page = compare_markdown(comparison(), small_run(), small_run());
  EXPECT_THAT(page, HasSubstr("| sonic | 3200 | 3000 | -6.2 % | -7.0 to -5.0 % | <0.0001 | 0 % | "
                              "faster |\n"));
  EXPECT_THAT(page, HasSubstr("\n**1 faster, 1 slower, 1 same, 1 unclear; "));
}

}  // namespace
}  // namespace moe::report
