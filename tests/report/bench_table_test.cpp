// The table of bench_moe_variants, golden, and the notes under it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/bench/bench_report.h"
#include "report/bench/row_facts.h"
#include "report/fixture.h"

namespace moe::report {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

TEST(BenchTable, GoldenScreen) {
  EXPECT_EQ(
      bench_table(small_run()),
      R"(variant                fwd ms  bwd ms  total ms  noise  tokens/s  GFLOP/s  % ceiling  peak MiB  vs vanilla
vanilla                  1600    3200      4800  2.0 %       853      129       51.5       520       1.00x
grouped_gemm             1300    2900      4200  2.0 %       975      147       58.9       504       1.14x
grouped_gemm+rounding    1280    2880      4160  2.0 %       985      149       59.4       512       1.15x
sonic                    1250    2450      3700  2.0 %      1107      167       66.8       148       1.30x
sonic+rounding           1200    2300      3500  2.0 %      1170      177       70.6       150       1.37x
grouped_gemm+rounding: different routing, 8,320 pairs executed where T*K is 8,192
sonic+rounding: different routing, 8,320 pairs executed where T*K is 8,192
)");
}

/// As on a GPU: captured graphs for sonic alone, and the dense bound.
record::Run gpu_run() {
  record::Run run = small_run();
  run.rows = {run.rows[0], run.rows[3], row_of("dense_bound", 1.0, 2.0, 99)};
  run.rows[0].no_graph_reason = "it reads results of the device on the host in mid-pass";
  run.rows[1].graph_forward = timing_of(1.2);
  run.rows[1].graph_backward = timing_of(2.4);
  run.rows[1].graph_total = timing_of(3.6);
  run.rows[2].reference = true;
  run.rows[2].tokens_per_s.reset();
  run.rows[2].speedup.reset();
  for (record::Row& row : run.rows) {
    row.dense_bound_fraction = record::Phases{
        1.0 / row.forward->median_s, 2.0 / row.backward->median_s, 3.0 / row.total->median_s};
  }
  return run;
}

TEST(BenchTable, GraphsAndTheDenseBoundHaveColumns) {
  EXPECT_EQ(
      bench_table(gpu_run()),
      R"(variant      fwd ms  bwd ms  total ms  graph fwd  graph bwd  noise  tokens/s  GFLOP/s  % ceiling  % dense f/b/total  peak MiB  vs vanilla
vanilla        1600    3200      4800          -          -  2.0 %       853      129       51.5           62/62/62       520       1.00x
sonic          1250    2450      3700       1200       2400  2.0 %      1107      167       66.8           80/82/81       148       1.30x
dense_bound    1000    2000      3000          -          -  2.0 %         -      206       82.4        100/100/100         -           -
dense_bound: no MoE layer (nothing to verify): the expert products alone, as balanced dense batched GEMMs of the vendor's library, each with cold caches; % dense is a row's FLOP/s as a share of it
vanilla: no graph, it reads results of the device on the host in mid-pass
)");
}

TEST(BenchTable, ARowThatTakesLongLeavesTheOthersThreeDigits) {
  record::Run run = gpu_run();
  for (record::Row& row : run.rows) {
    for (auto* timing : {&row.forward, &row.backward, &row.total})
      if (*timing) (*timing)->median_s *= row.variant == "vanilla" ? 0.03 : 0.001;
  }
  const std::string text = bench_table(run);
  EXPECT_THAT(text, HasSubstr("vanilla       48.00   96.00    144.00"));
  EXPECT_THAT(text, HasSubstr("sonic          1.25    2.45      3.70"));
}

TEST(BenchTable, MemoryThatAFrameworkCountedIsMarked) {
  record::Run run = small_run();
  EXPECT_THAT(bench_table(run), Not(HasSubstr("allocator")));
  run.rows[1].bytes.measured = true;
  EXPECT_THAT(bench_table(run),
              HasSubstr("grouped_gemm: peak as its framework's allocator counted it, not planned"));
}

TEST(BenchTable, ForwardAloneHasOneGraphColumnAndOneShare) {
  record::Run run = gpu_run();
  run.mode = "forward";
  for (record::Row& row : run.rows) {
    row.backward.reset();
    row.total = row.forward;
    row.graph_backward.reset();
  }
  const std::string text = bench_table(run);
  EXPECT_THAT(text, HasSubstr("graph fwd  noise"));
  EXPECT_THAT(text, HasSubstr("% dense  peak"));
}

TEST(BenchTable, FailedRowsShowErrorAndPlaceAndNoTimes) {
  record::Run run = small_run();
  run.rows = {run.rows[0], run.rows[3]};
  fail(run.rows[1]);
  EXPECT_EQ(
      bench_table(run),
      R"(variant  fwd ms  bwd ms  total ms  noise  tokens/s  GFLOP/s  % ceiling  peak MiB  vs vanilla
vanilla    1600    3200      4800  2.0 %       853      129       51.5       520       1.00x
sonic    FAILED (d_x: error 3.1e-01 > 1.0e-05 at token 17, column 902)
)");
}

TEST(BenchTable, AFailureWithoutAFailedCheckShowsItsReason) {
  record::Run run = small_run();
  fail(run.rows[0]);
  run.rows[0].checks.clear();
  run.rows[0].reason = "oneDNN refused the shape";
  EXPECT_THAT(bench_table(run), HasSubstr("FAILED (oneDNN refused the shape)"));
}

TEST(BenchTable, SkippedRowsBecomeANoteWithTheLargestSizeThatFits) {
  record::Run run = small_run();
  skip(run.rows[1]);
  const std::string text = bench_table(run);
  EXPECT_THAT(text, Not(HasSubstr("\ngrouped_gemm  ")));
  EXPECT_THAT(
      bench_notes(run),
      Contains("skip: grouped_gemm T=4,096 E=8: needs 61.4 GiB, 52.0 GiB free on cpu; largest "
               "T that fits: 55,296"));
}

TEST(BenchTable, FewSamplesStandInThePlaceOfNoise) {
  record::Run run = small_run();
  run.rows.resize(1);
  for (auto* timing : {&run.rows[0].forward, &run.rows[0].backward, &run.rows[0].total}) {
    *timing = timing_of((*timing)->median_s, 3);
  }
  EXPECT_THAT(bench_table(run), HasSubstr("4800    n=3       853"));
  EXPECT_THAT(bench_notes(run), Contains(HasSubstr("needs at least 10")));
}

TEST(BenchTable, AModeWithoutBackwardLeavesThoseColumnsOut) {
  record::Run run = forward_run();
  run.rows.resize(1);
  EXPECT_EQ(bench_table(run),
            R"(variant  fwd ms  noise  tokens/s  GFLOP/s  % ceiling  peak MiB  vs vanilla
vanilla    1600  2.0 %    2.56 k      129       51.5       520       1.00x
)");
}

TEST(BenchTable, AboveTheMeasuredCeilingIsMarked) {
  record::Run run = small_run();
  run.rows[3].ceiling_fraction = 1.02;
  EXPECT_THAT(bench_table(run), HasSubstr(" 102.0* "));
  EXPECT_THAT(bench_notes(run), Contains(HasSubstr("a reference, not a limit")));
}

TEST(BenchTable, AMissingBaselineIsExplained) {
  record::Run run = small_run();
  fail(run.rows[0]);
  EXPECT_THAT(bench_notes(run),
              Contains(HasSubstr("vs vanilla: empty, because it failed its check")));
  run.rows.erase(run.rows.begin());
  EXPECT_THAT(bench_notes(run), Contains(HasSubstr("it was not among the variants")));
}

TEST(BenchTable, AGpuRunSwitchesUnits) {
  record::Run run = small_run();
  for (record::Row& row : run.rows) {
    row.flops_per_s = *row.flops_per_s * 1e4;
    row.bytes.peak *= 100;
  }
  EXPECT_THAT(bench_rows(run).header, testing::AllOf(Contains("TFLOP/s"), Contains("peak GiB")));
}

TEST(LargestTokens, SaysHowToRunAShareWhereNoneFit) {
  EXPECT_EQ(largest_tokens_text(55296), "largest T that fits: 55,296");
  EXPECT_EQ(largest_tokens_text(0),
            "no T fits; --ep-rank 1/8 runs the experts of one rank of eight");
}

}  // namespace
}  // namespace moe::report
