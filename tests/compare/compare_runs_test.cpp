// Which points meet, what is refused a verdict, and what counts as a regression.
#include "compare/compare_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare/timings.h"

namespace moe::compare {
namespace {

using record::Comparison;
using record::Verdict;
using testing::ElementsAre;
using testing::IsEmpty;

record::Run run_of(const std::string& id) {
  record::Run run;
  run.id = id;
  run.mode = "forward_backward";
  run.traffic = "natural";
  run.seed = 42;
  run.model.batch_size = 16;
  run.model.seq_len = 256;
  run.model.layer.ffn_dim = 4096;
  run.environment.device_kind = "cpu";
  run.environment.device_name = "AMD EPYC";
  run.environment.num_cores = 2;
  run.environment.git_commit = "1a2b3c4";
  run.rows = {row("vanilla", 1.0, 2.0), row("sonic", 0.8, 1.6)};
  return run;
}

std::vector<std::string> names(const std::vector<record::Difference>& differences) {
  std::vector<std::string> names;
  for (const auto& difference : differences) names.push_back(difference.field);
  return names;
}

TEST(CompareRuns, MatchesVariantsByName) {
  const record::Run a = run_of("a");
  record::Run b = run_of("b");
  b.rows = {row("sonic", 0.8, 1.4), row("vanilla", 1.0, 2.0)};
  const Comparison comparison = compare_runs(a, b, {});
  EXPECT_EQ(comparison.a, "a");
  EXPECT_EQ(comparison.b, "b");
  ASSERT_EQ(comparison.points.size(), 2u);
  EXPECT_EQ(comparison.points[0].point, "vanilla");
  EXPECT_EQ(comparison.points[0].pass, "total");
  EXPECT_EQ(comparison.points[0].verdict, Verdict::same);
  EXPECT_EQ(comparison.points[1].point, "sonic");
  EXPECT_EQ(comparison.points[1].verdict, Verdict::faster);
  EXPECT_DOUBLE_EQ(comparison.points[1].a_median_s, 2.4);
  EXPECT_THAT(comparison.conflicts, IsEmpty());
  EXPECT_THAT(comparison.differences, IsEmpty());
}

TEST(CompareRuns, ShowsWhichPassChanged) {
  record::Run b = run_of("b");
  b.rows[1] = row("sonic", 0.72, 1.68);  // forward gains what backward loses
  const Comparison comparison = compare_runs(run_of("a"), b, {.each_pass = true});
  ASSERT_EQ(comparison.points.size(), 6u);
  EXPECT_EQ(comparison.points[3].pass, "forward");
  EXPECT_EQ(comparison.points[3].verdict, Verdict::faster);
  EXPECT_EQ(comparison.points[4].pass, "backward");
  EXPECT_EQ(comparison.points[4].verdict, Verdict::slower);
  EXPECT_EQ(comparison.points[5].verdict, Verdict::same);
}

TEST(CompareRuns, ListsWhatMakesTimesIncomparable) {
  record::Run b = run_of("b");
  b.model.layer.ffn_dim = 2048;
  b.model.layer.up_layout = UpLayout::interleaved;
  b.model.layer.dtype = DType::bf16;
  b.model.layer.gate.kind = GateKind::sigmoid;
  b.model.seq_len = 128;
  b.mode = "forward";
  b.traffic = "zipf:1";
  b.seed = 7;
  b.environment.num_cores = 4;
  b.environment.device_name = "Intel";
  const Comparison comparison = compare_runs(run_of("a"), b, {});
  EXPECT_THAT(names(comparison.conflicts),
              ElementsAre("tokens", "ffn_dim", "up_layout", "dtype", "gate.kind", "routing", "mode",
                          "seed", "device_name", "num_cores"));
  EXPECT_EQ(comparison.conflicts[1].a, "4096");
  EXPECT_EQ(comparison.conflicts[1].b, "2048");
}

TEST(CompareRuns, TheSplitOfTokensIntoSequencesIsNoConflict) {
  record::Run b = run_of("b");
  b.model.batch_size = 1;
  b.model.seq_len = 4096;
  EXPECT_THAT(compare_runs(run_of("a"), b, {}).conflicts, IsEmpty());
}

TEST(CompareRuns, TheRuleOfRoundingMattersToRoundedRowsOnly) {
  record::Run a = run_of("a"), b = run_of("b");
  b.model.layer.rounding.tile = 64;
  EXPECT_THAT(compare_runs(a, b, {}).conflicts, IsEmpty());
  for (record::Run* run : {&a, &b}) {
    run->rows.push_back(row("sonic+rounding", 0.7, 1.4));
    run->rows.back().different_routing = true;
  }
  EXPECT_THAT(names(compare_runs(a, b, {}).conflicts), ElementsAre("rounding.tile"));
}

TEST(CompareRuns, ListsTheEnvironmentsApart) {
  record::Run b = run_of("b");
  b.environment.git_commit = "5d6e7f8";
  b.environment.extra["governor"] = "powersave";
  const Comparison comparison = compare_runs(run_of("a"), b, {});
  EXPECT_THAT(comparison.conflicts, IsEmpty());
  EXPECT_THAT(names(comparison.differences), ElementsAre("git_commit", "extra.governor"));
  EXPECT_EQ(comparison.differences[1].a, "");
  EXPECT_EQ(comparison.differences[1].b, "powersave");
}

TEST(CompareRuns, PointsWithoutAPartnerAreRemarks) {
  record::Run a = run_of("a"), b = run_of("b");
  a.rows.push_back(row("grouped_gemm", 1, 2));
  b.rows.push_back(row("mine", 1, 2));
  b.rows[1].bytes.peak = 1500;
  const Comparison comparison = compare_runs(a, b, {});
  EXPECT_THAT(comparison.remarks, ElementsAre("sonic: peak memory 1000 -> 1500 bytes (+50.0 %)",
                                              "grouped_gemm: in A only", "mine: in B only"));
  EXPECT_THAT(comparison.lost, IsEmpty());
}

TEST(CompareRuns, APointThatFailsNowIsLost) {
  record::Run b = run_of("b");
  b.rows[0].status = record::Status::failed;
  b.rows[0].reason = "d_x differs from the truth";
  b.rows[0].total.reset();
  const Comparison comparison = compare_runs(run_of("a"), b, {});
  EXPECT_THAT(comparison.lost, ElementsAre("vanilla: in B failed, d_x differs from the truth"));
  EXPECT_EQ(comparison.points.size(), 1u);
  EXPECT_THAT(compare_runs(b, run_of("a"), {}).lost, IsEmpty()) << "it works now";
}

/// `run` as a sweep over tokens: its rows at each of these counts.
record::Run sweep_of(record::Run run, const std::vector<std::int64_t>& tokens) {
  const std::vector<record::Row> rows = std::move(run.rows);
  run.swept = {"tokens"};
  run.rows.clear();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    record::Point point;
    point.values["tokens"] = std::to_string(tokens[i]);
    point.model = run.model;
    point.model.batch_size = 1;
    point.model.seq_len = tokens[i];
    point.traffic = run.traffic;
    run.points.push_back(point);
    for (record::Row row : rows) {
      row.point = static_cast<std::int64_t>(i);
      run.rows.push_back(row);
    }
  }
  run.model = run.points[0].model;
  return run;
}

TEST(CompareRuns, PointsOfSweepsMeetWhereTheyAreTheSame) {
  const record::Run a = sweep_of(run_of("a"), {512, 1024, 4096});
  record::Run b = sweep_of(run_of("b"), {1024, 2048, 512});
  b.rows[5] = row("sonic", 1.6, 3.2);  // at 512 tokens
  b.rows[5].point = 2;
  const Comparison comparison = compare_runs(a, b, {});
  EXPECT_THAT(comparison.conflicts, IsEmpty());
  ASSERT_EQ(comparison.points.size(), 4u);
  EXPECT_EQ(comparison.points[0].point, "tokens=512 vanilla");
  EXPECT_EQ(comparison.points[1].point, "tokens=512 sonic");
  EXPECT_EQ(comparison.points[1].verdict, Verdict::slower);
  EXPECT_EQ(comparison.points[2].point, "tokens=1024 vanilla");
  EXPECT_EQ(comparison.points[3].verdict, Verdict::same);
  EXPECT_THAT(comparison.remarks, ElementsAre("tokens=4096 in A only", "tokens=2048 in B only"));
}

TEST(CompareRuns, ARunOfOneShapeMeetsItsPointOfASweep) {
  const Comparison comparison = compare_runs(sweep_of(run_of("a"), {512, 4096}), run_of("b"), {});
  EXPECT_THAT(comparison.conflicts, IsEmpty());
  ASSERT_EQ(comparison.points.size(), 2u);
  EXPECT_EQ(comparison.points[0].point, "tokens=4096 vanilla");
  EXPECT_THAT(comparison.remarks, ElementsAre("tokens=512 in A only"));
}

TEST(Regressions, AreSlowerPointsBeyondTheLimitAndLostOnes) {
  record::Run b = run_of("b");
  b.rows[0] = row("vanilla", 1.04, 2.08);
  Comparison comparison = compare_runs(run_of("a"), b, {});
  EXPECT_THAT(regressions(comparison, 0.03), ElementsAre("vanilla total +4.0 %"));
  EXPECT_THAT(regressions(comparison, 0.05), IsEmpty());
  comparison.lost = {"sonic: in B failed, why"};
  EXPECT_THAT(regressions(comparison, 0.05), ElementsAre("sonic: in B failed, why"));
}

}  // namespace
}  // namespace moe::compare
