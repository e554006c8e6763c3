// What is said of a sweep, and its picture.
#include "report/bench/sweep_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "record/scratch_folder.h"
#include "report/bench/bench_report.h"
#include "report/plot/plots.h"
#include "report/sweep_fixture.h"

namespace moe::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST(SweepReport, TheHeaderListsEveryPoint) {
  const std::string header = header_text(tokens_sweep(), {});
  EXPECT_THAT(header,
              HasSubstr("# sweep    3 points over tokens, seed 42 | 3.24 TFLOP forward and "
                        "backward, each once\n"
                        "#        1 tokens=1024 | T=1024 d=1024 n=4096 E=8 K=2 swiglu fp32 | "
                        "routing natural | 154 GFLOP\n"
                        "#        2 tokens=4096 | "));
  EXPECT_THAT(header, Not(HasSubstr("# shape")));
}

TEST(SweepReport, ManyPointsAreAbbreviated) {
  record::Run run = small_run();
  run.rows.clear();
  run.swept = {"tokens"};
  for (int i = 1; i <= 20; ++i) add_point(run, {{"tokens", std::to_string(i)}}, i, 1);
  const std::string lines = sweep_lines(run);
  EXPECT_THAT(lines, HasSubstr("#        8 tokens=8 |"));
  EXPECT_THAT(lines, HasSubstr("#      ... 9 more\n#       18 tokens=18 |"));
  EXPECT_THAT(lines, Not(HasSubstr("tokens=12 ")));
}

TEST(SweepReport, APointHasItsOwnTable) {
  const std::string text = point_text(tokens_sweep(), 1);
  EXPECT_THAT(text, HasSubstr("\n2/3 tokens=4096 | T=4096 d=1024"));
  EXPECT_THAT(text, HasSubstr("\nvanilla "));
  record::Run run = tokens_sweep();
  run.rows.resize(3);
  EXPECT_THAT(point_text(run, 1), HasSubstr("not measured")) << "interrupted before it";
}

TEST(SweepReport, OneTableComparesAllPoints) {
  record::Run run = tokens_sweep();
  skip(run.rows[0]);
  fail(run.rows[4]);
  const TextTable table = sweep_rows(run);
  EXPECT_THAT(table.header,
              ElementsAre("total ms", "vanilla", "grouped_gemm", "sonic", "fastest, vs vanilla"));
  EXPECT_THAT(table.rows[0], ElementsAre("tokens=1024", "skipped", "1200", "925", "sonic 5.19x"));
  EXPECT_THAT(table.rows[1], ElementsAre("tokens=4096", "4800", "FAILED", "3700", "sonic 1.30x"));
}

TEST(SweepReport, FastestKeepsTheRouting) {
  record::Run run = tokens_sweep();
  skip(run.rows[1]);
  run.rows[2] = rounded(run.rows[2]);
  EXPECT_THAT(sweep_rows(run).rows[0].back(), HasSubstr("vanilla"));
  EXPECT_THAT(sweep_notes(run), testing::Contains(HasSubstr("+rounding rows change")));
  run.rows[0].ceiling_fraction = 1.01;
  EXPECT_THAT(sweep_notes(run), testing::Contains(HasSubstr("*: above the measured ceiling")));
}

TEST(SweepReport, NoRowIsFastestWhereSamplesOverlap) {
  record::Run run = tokens_sweep();
  skip(run.rows[2]);  // leaves two rows of equal times
  EXPECT_EQ(sweep_rows(run).rows[0].back(), "too close to call");
  EXPECT_EQ(sweep_rows(run).rows[1].back(), "sonic 1.30x");
}

TEST(SweepReport, SavedFormsHoldEveryPoint) {
  const std::string page = markdown_report(tokens_sweep());
  EXPECT_THAT(page, HasSubstr("# bench_moe_variants: sweep\n"));
  EXPECT_THAT(page, HasSubstr("\n## tokens=16384\n\n- shape: small: T=16384"));
  const std::string csv = csv_report(tokens_sweep());
  EXPECT_THAT(csv, HasSubstr("graph_total_q3_s,point,config,hidden_dim"));
  EXPECT_THAT(
      csv, HasSubstr(
               ",2,small,1024,4096,8,2,1,16384,swiglu,concatenated,false,fp32,128,none,natural\n"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 9);
}

TEST(SweepPlot, HasALinePerVariantOverTheSweptField) {
  const std::vector<PlotSource> plots = sweep_plots(tokens_sweep());
  ASSERT_THAT(plots, SizeIs(1));
  EXPECT_EQ(plots[0].name, "sweep");
  EXPECT_THAT(plots[0].data,
              HasSubstr("# sonic: tokens  median_s  q1_s  q3_s  flops_per_s\n1024 0.925 "));
  EXPECT_THAT(plots[0].script, HasSubstr("set logscale x 2"));
  EXPECT_THAT(plots[0].script, HasSubstr("'One MoE layer over tokens'"));
  EXPECT_THAT(plots[0].script, HasSubstr("T=1024..16384 d=1024 n=4096"));
  EXPECT_THAT(sweep_plots(small_run()), IsEmpty());
}

TEST(SweepPlot, OtherFieldsMakeOtherPictures) {
  record::Run run = small_run();
  run.rows.clear();
  run.swept = {"dtype", "tokens"};
  for (const char* dtype : {"fp32", "bf16"}) {
    add_point(run, {{"dtype", dtype}, {"tokens", "64"}}, 64, 1);
    add_point(run, {{"dtype", dtype}, {"tokens", "96"}}, 96, 2);
  }
  const std::vector<PlotSource> plots = sweep_plots(run);
  ASSERT_THAT(plots, SizeIs(2));
  EXPECT_EQ(plots[0].name, "sweep-dtype=bf16");
  EXPECT_EQ(plots[1].name, "sweep-dtype=fp32");
  EXPECT_THAT(plots[0].script, Not(HasSubstr("logscale x")));
}

TEST(SweepPlot, WordsStandSideBySide) {
  record::Run run = small_run();
  run.rows.clear();
  run.swept = {"routing"};
  for (const char* routing : {"natural", "it's"}) add_point(run, {{"routing", routing}}, 64, 1);
  EXPECT_THAT(sweep_plots(run)[0].script, HasSubstr("('natural' 0, 'it''s' 1)"));
}

TEST(SweepPlot, IsDrawn) {
  record::Run gaps = tokens_sweep();
  for (record::Row& row : gaps.rows) {
    if (row.point == 1) skip(row);
  }
  record::Run nothing = tokens_sweep();
  nothing.rows.clear();
  for (const record::Run& run : {tokens_sweep(), gaps, nothing}) {
    const record::ScratchFolder folder;
    const DrawnPlots drawn = draw_plots(run, folder.path() / "run", folder.path());
    if (drawn.problem == "gnuplot not found") GTEST_SKIP() << drawn.problem;
    EXPECT_EQ(drawn.problem, "");
    ASSERT_THAT(drawn.pictures, SizeIs(1));
    EXPECT_GT(std::filesystem::file_size(drawn.pictures[0]), 5000u);
  }
}

}  // namespace
}  // namespace moe::report
