// Header, checks, Markdown and CSV of a run.
#include "report/bench/bench_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "report/fixture.h"

namespace moe::report {
namespace {

using testing::HasSubstr;

TEST(BenchReport, GoldenHeader) {
  EXPECT_EQ(
      header_text(small_run(), {54.2, 2040109465, std::int64_t{12} << 30}),
      R"(# bench_moe_variants 0.1.0 (git 1a2b3c4, Release, g++ 12.2)   run 2026-11-23T04-12-07Z-7f3a
# device   cpu AMD EPYC 9R14 | 2 threads | 16.0 GiB | oneDNN 2.6.3
# ceiling  250 GFLOP/s fp32 in one large GEMM, 14.1 GB/s in a large copy (measured by this run)
# shape    small: T=4096 d=1024 n=4096 E=8 K=2 swiglu fp32 | gate topk_softmax
# routing  natural, seed 42 | 618 GFLOP forward and backward
# memory   needs 1.90 GiB of 12.0 GiB free | about 55 s to go
)");
}

TEST(BenchReport, TheShapeNamesWhatOtherLayersLack) {
  record::Run run = small_run();
  run.model.layer.up_layout = UpLayout::interleaved;
  run.model.layer.expert_bias = true;
  EXPECT_THAT(header_text(run, {}), HasSubstr(" swiglu fp32 interleaved biased | gate"));
}

TEST(BenchReport, HeaderLeavesOutWhatIsUnknown) {
  record::Run run = small_run();
  run.environment.gemm_library.clear();
  run.environment.git_commit.clear();
  run.gemm_ceiling_flops_per_s = 0;
  const std::string text = header_text(run, {0, 1 << 20, 0});
  EXPECT_THAT(text, HasSubstr("git unknown commit"));
  EXPECT_THAT(text, HasSubstr("| 16.0 GiB\n"));
  EXPECT_THAT(text, HasSubstr("# ceiling  not measured\n"));
  EXPECT_THAT(text, HasSubstr("# memory   needs 1.00 MiB\n"));
}

TEST(BenchReport, ChecksSayWhatWasCheckedAndHowNear) {
  EXPECT_EQ(checks_text(small_run().rows[0]),
            "check ok (d_x 3.4e-07 <= 1.0e-05): out, d_x of 16 tokens; d_w_up of 64 entries; "
            "chosen_experts of all tokens, exact");
}

TEST(BenchReport, AFailedCheckNamesErrorAndPlace) {
  record::Row row = small_run().rows[0];
  fail(row);
  EXPECT_EQ(checks_text(row), "FAILED (d_x: error 3.1e-01 > 1.0e-05 at token 17, column 902)");
  row.checks[0] = {"chosen_experts", "all tokens", 3, 0, false, "token 5"};
  EXPECT_EQ(checks_text(row), "FAILED (chosen_experts: 3 mismatches at token 5; 1 more)");
}

TEST(BenchReport, MarkdownHoldsTableLoadVerdictAndCommand) {
  record::Run run = small_run();
  run.verdict = "Use sonic.";
  run.warnings = {"gnuplot not found"};
  const std::string text = markdown_report(run);
  EXPECT_THAT(text, HasSubstr("# bench_moe_variants: small\n"));
  EXPECT_THAT(
      text, HasSubstr("| sonic | 1250 | 2450 | 3700 | 2.0 % | 1107 | 167 | 66.8 | 148 | 1.30x |"));
  EXPECT_THAT(text, HasSubstr("```\nexperts    used 8/8"));
  EXPECT_THAT(text, HasSubstr("- warning: gnuplot not found\n"));
  EXPECT_THAT(text, HasSubstr("**Use sonic.**"));
  EXPECT_THAT(text, HasSubstr("Again: `bench_moe_variants --config small --seed 42`"));
}

TEST(BenchReport, CsvHasPlainNumbersAndEveryRow) {
  record::Run run = small_run();
  fail(run.rows[1]);
  skip(run.rows[2]);
  std::istringstream lines(csv_report(run));
  std::vector<std::string> text;
  for (std::string line; std::getline(lines, line);) text.push_back(line);
  ASSERT_EQ(text.size(), 6u);
  EXPECT_EQ(text[4].substr(0, 33), "sonic,ok,,1.25,1.2375,1.2625,2.45");
  EXPECT_THAT(text[2], HasSubstr("grouped_gemm,failed,\"d_x: error"));
  EXPECT_THAT(text[3], HasSubstr("grouped_gemm+rounding,skipped,\"needs 61.4 GiB"));
  const auto commas = [](const std::string& line) {
    return std::count(line.begin(), line.end(), ',');
  };
  EXPECT_EQ(commas(text[4]), commas(text[0]));
}

}  // namespace
}  // namespace moe::report
