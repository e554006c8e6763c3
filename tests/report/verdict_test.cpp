// The closing sentence, in every situation that changes its advice.
#include "report/bench/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/fixture.h"

namespace moe::report {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Verdict, NamesTheBestItsLeadItsMemoryAndWhatRoundingWouldBring) {
  EXPECT_EQ(
      verdict(small_run()),
      "Use sonic here: 3.70 s per forward and backward, 1.30x as fast as vanilla and 1.14x as "
      "fast as the next best, grouped_gemm; 148 MiB of memory at peak against 520 MiB of "
      "vanilla; the routing is unchanged; sonic+rounding is 1.06x as fast as sonic but changes "
      "which tokens an expert sees (1.5 % of pairs dropped, 3.0 % added).");
}

TEST(Verdict, TheBaselineMayWin) {
  record::Run run = small_run();
  run.rows = {row_of("vanilla", 1.0, 2.0, 520), row_of("sonic", 1.25, 2.45, 148)};
  EXPECT_EQ(verdict(run),
            "Use vanilla here: 3.00 s per forward and backward, 1.23x as fast as the next best, "
            "sonic; 520 MiB of memory at peak against 148 MiB of sonic; the routing is unchanged.");
}

TEST(Verdict, BelowTheNoiseItIsTooCloseToCallAndMemorySpeaks) {
  record::Run run = small_run();
  run.rows = {row_of("vanilla", 1.6, 3.2, 520), row_of("grouped_gemm", 1.25, 2.43, 504),
              row_of("sonic", 1.25, 2.45, 148)};
  EXPECT_EQ(verdict(run),
            "Too close to call between grouped_gemm and sonic (0.5 % apart); sonic needs the least "
            "memory, 148 MiB at peak against 504 MiB of grouped_gemm.");
}

TEST(Verdict, FewSamplesMakeItAnIndication) {
  record::Run run = small_run();
  run.rows = {row_of("vanilla", 1.6, 3.2, 520, 3), row_of("sonic", 1.25, 2.45, 148, 2)};
  EXPECT_THAT(verdict(run),
              StartsWith("An indication only, with 2 samples where 10 are wanted: use "
                         "sonic here"));
}

TEST(Verdict, OneSampleEachTellsNearTimesNotApart) {
  record::Run run = small_run();
  run.rows = {row_of("vanilla", 1.25, 2.57, 520, 1), row_of("sonic", 1.25, 2.45, 148, 1)};
  EXPECT_THAT(verdict(run), HasSubstr("1 sample where 10 are wanted: too close to call"));
  run.rows[0] = row_of("vanilla", 1.25, 2.87, 520, 1);  // 11 % slower
  EXPECT_THAT(verdict(run), HasSubstr("too close to call"));
  for (record::Row& row : run.rows) row.total->samples_s.resize(3, row.total->median_s);
  EXPECT_THAT(verdict(run), HasSubstr("use sonic here"));
}

TEST(Verdict, RoundingThatGainsNothingIsNotRecommended) {
  record::Run run = small_run();
  run.rows[4] = rounded(row_of("sonic+rounding", 1.25, 2.46, 150));
  EXPECT_THAT(verdict(run), HasSubstr("gains nothing measurable here"));
}

TEST(Verdict, RoundedRowsAloneAreNotRecommended) {
  record::Run run = small_run();
  run.rows = {run.rows[2], run.rows[4]};
  EXPECT_THAT(verdict(run), StartsWith("Every variant that ran is rounded"));
  EXPECT_THAT(verdict(run), Not(HasSubstr("Use ")));
}

TEST(Verdict, FailedRowsAreLeftOutByName) {
  record::Run run = small_run();
  fail(run.rows[3]);
  EXPECT_THAT(verdict(run), StartsWith("Use grouped_gemm here"));
  EXPECT_THAT(verdict(run), HasSubstr("left out because of a failed check: sonic."));
}

TEST(Verdict, TheDenseBoundIsNeverRecommended) {
  record::Run run = small_run();
  const std::string without = verdict(run);
  run.rows.push_back(row_of("dense_bound", 0.1, 0.2, 1));
  run.rows.back().reference = true;
  EXPECT_EQ(verdict(run), without);
}

TEST(Verdict, NothingRan) {
  record::Run run = small_run();
  for (record::Row& row : run.rows) skip(row);
  EXPECT_EQ(verdict(run), "No variant has a valid time: there is nothing to recommend.");
}

TEST(Verdict, OnlyOneRan) {
  record::Run run = forward_run();
  run.rows.resize(1);
  EXPECT_EQ(verdict(run),
            "Only vanilla ran with this routing: 1.60 s per forward, 520 MiB of memory at peak.");
}

}  // namespace
}  // namespace moe::report
