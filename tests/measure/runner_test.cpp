// A whole comparison: what its rows say when all goes well, and when memory, results or patience
// run out.
#include "measure/run/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "measure/comparison.h"
#include "measure/problem/memory_need.h"

namespace moe::measure {
namespace {

using record::Row;
using record::Status;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> names(const std::vector<Row>& rows) {
  std::vector<std::string> all;
  for (const Row& row : rows) all.push_back(row.variant);
  return all;
}

TEST(RunBench, FillsEveryRowInTheOrderAskedFor) {
  Comparison comparison;
  EXPECT_TRUE(comparison.execute());
  EXPECT_EQ(names(comparison.run.rows), default_labels(DeviceKind::cpu));
  EXPECT_EQ(comparison.rows_done.size(), 5u);
  for (const Row& row : comparison.run.rows) {
    SCOPED_TRACE(row.variant);
    EXPECT_EQ(row.status, Status::ok);
    EXPECT_EQ(row.tokens, 96);
    EXPECT_EQ(row.total->samples_s.size(), 3u);
    EXPECT_TRUE(row.total->noise.has_value());
    EXPECT_NEAR(row.total->samples_s[1], row.forward->samples_s[1] + row.backward->samples_s[1],
                1e-12);
    EXPECT_DOUBLE_EQ(*row.tokens_per_s, 96 / row.total->median_s);
    EXPECT_DOUBLE_EQ(*row.flops_per_s, 18.0 * row.credited_pairs * 32 * 24 / row.total->median_s);
    EXPECT_DOUBLE_EQ(*row.ceiling_fraction, *row.flops_per_s / 1e12);
    EXPECT_DOUBLE_EQ(*row.speedup, comparison.row("vanilla").total->median_s / row.total->median_s);
    EXPECT_GE(row.checks.size(), 14u);
    EXPECT_GT(row.check_s, 0);
    EXPECT_EQ(row.bytes.peak, row.bytes.saved + row.bytes.workspace);
    EXPECT_EQ(row.load->utilization.size(), 8u);
  }
  EXPECT_EQ(*comparison.row("vanilla").speedup, 1.0);
}

TEST(RunBench, MarksRoundedRows) {
  Comparison comparison;
  EXPECT_TRUE(comparison.execute());
  for (const Row& row : comparison.run.rows) {
    const bool rounded = row.variant.ends_with("+rounding");
    EXPECT_EQ(row.different_routing, rounded) << row.variant;
    EXPECT_EQ(row.rounding.has_value(), rounded) << row.variant;
    EXPECT_EQ(row.executed_pairs % 8, 0) << row.variant;
    EXPECT_EQ(row.credited_pairs, std::min<std::int64_t>(192, row.executed_pairs));
    if (!rounded) {
      EXPECT_EQ(row.executed_pairs, 192);
    }
  }
  EXPECT_EQ(comparison.row("sonic+rounding").load->utilization,
            comparison.row("grouped_gemm+rounding").load->utilization);
  EXPECT_NE(comparison.row("sonic+rounding").load->utilization,
            comparison.row("sonic").load->utilization);
}

TEST(RunBench, WarnsWhereRoundingIsRisky) {
  Comparison comparison;
  comparison.request.variants = {"sonic+rounding"};
  comparison.request.model.layer.rounding = {RoundingRule::nearest, 64};
  EXPECT_TRUE(comparison.execute());
  EXPECT_THAT(comparison.run.warnings,
              ElementsAre(HasSubstr("tokens were left without any expert"),
                          HasSubstr("24 rows per expert are under twice the tile of 64")));
  Comparison safe;
  safe.request.variants = {"sonic+rounding"};
  EXPECT_TRUE(safe.execute());
  EXPECT_THAT(safe.run.warnings, IsEmpty());
}

TEST(RunBench, ForwardAloneHasNoBackward) {
  Comparison comparison;
  comparison.request.backward = false;
  EXPECT_TRUE(comparison.execute());
  EXPECT_EQ(comparison.run.mode, "forward");
  EXPECT_EQ(comparison.run.flops_per_pass, 6.0 * 192 * 32 * 24);
  for (const Row& row : comparison.run.rows) {
    EXPECT_EQ(row.status, Status::ok);
    EXPECT_FALSE(row.backward.has_value());
    EXPECT_EQ(row.total->median_s, row.forward->median_s);
    EXPECT_EQ(row.bytes.gradients, 0);
    EXPECT_DOUBLE_EQ(*row.flops_per_s, 6.0 * row.credited_pairs * 32 * 24 / row.total->median_s);
  }
}

TEST(RunBench, FewSamplesHaveNoNoise) {
  Comparison comparison;
  comparison.request.sampling.min_samples = 10;
  EXPECT_TRUE(comparison.execute());
  EXPECT_EQ(comparison.row("sonic").total->samples_s.size(), 3u);
  EXPECT_FALSE(comparison.row("sonic").total->noise.has_value());
}

TEST(RunBench, SpeedUpIsEmptyWithoutItsBaseline) {
  Comparison comparison;
  comparison.request.variants = {"sonic", "grouped_gemm"};
  EXPECT_TRUE(comparison.execute());
  EXPECT_FALSE(comparison.row("sonic").speedup.has_value());
  Comparison other;
  other.request.variants = {"sonic", "grouped_gemm"};
  other.request.baseline = "grouped_gemm";
  EXPECT_TRUE(other.execute());
  EXPECT_EQ(*other.row("grouped_gemm").speedup, 1.0);
  EXPECT_GT(*other.row("sonic").speedup, 0.0);
}

TEST(RunBench, ChecksOnlyWhenAsked) {
  Comparison comparison;
  comparison.request.check = CheckLevel::off;
  EXPECT_TRUE(comparison.execute());
  EXPECT_THAT(comparison.row("sonic").checks, IsEmpty());
  EXPECT_TRUE(comparison.row("sonic").total.has_value());
  Comparison full;
  full.request.check = CheckLevel::full;
  EXPECT_TRUE(full.execute());
  for (const record::Check& check : full.row("sonic").checks) {
    if (check.what == "out") {
      EXPECT_EQ(check.scope, "96 tokens");
    }
  }
}

std::int64_t needed(const Comparison& comparison, const std::string& label) {
  const VariantChoice choice = parse_variant(DeviceKind::cpu, label);
  const LayerConfig own = choice.config(comparison.request.model.layer);
  const std::int64_t tokens = comparison.request.model.tokens();
  const Plan plan =
      choice.variant->plan(make_request(own, tokens, true), comparison.device.traits());
  return shared_tensor_bytes(own, tokens, true) + variant_bytes(plan).peak;
}

TEST(RunBench, SkipsWhatDoesNotFitAndRunsTheRest) {
  Comparison comparison;
  comparison.request.variants = {"vanilla", "sonic"};
  comparison.request.model.seq_len = 2048;
  const std::int64_t vanilla = needed(comparison, "vanilla"), sonic = needed(comparison, "sonic");
  ASSERT_LT(sonic, vanilla);
  // Three percent are held back for the process itself.
  comparison.device.pretended_free_bytes = static_cast<std::size_t>((vanilla + sonic) / 2 / 0.97);
  EXPECT_TRUE(comparison.execute());
  const Row& skipped = comparison.row("vanilla");
  EXPECT_EQ(skipped.status, Status::skipped);
  EXPECT_THAT(
      skipped.reason,
      testing::MatchesRegex("out of memory: needs [0-9.]+ MiB .weights .+, gradients .+, saved .+, "
                            "workspace .+, inputs and outputs .+., [0-9.]+ MiB free"));
  EXPECT_FALSE(skipped.total.has_value());
  ASSERT_TRUE(skipped.largest_tokens.has_value());
  EXPECT_GT(*skipped.largest_tokens, 1024);
  EXPECT_LT(*skipped.largest_tokens, 2048);
  EXPECT_EQ(comparison.row("sonic").status, Status::ok);
  EXPECT_TRUE(comparison.row("sonic").total.has_value());
  EXPECT_EQ(names(comparison.rows_done), (std::vector<std::string>{"vanilla", "sonic"}));
  EXPECT_LE(comparison.device.most_allocated_bytes, *comparison.device.pretended_free_bytes);
}

TEST(RunBench, AllocatesNothingWhenNothingFits) {
  Comparison comparison;
  comparison.device.pretended_free_bytes = 1000;
  EXPECT_TRUE(comparison.execute());
  EXPECT_EQ(comparison.rows_done.size(), 5u);
  for (const Row& row : comparison.run.rows) {
    EXPECT_EQ(row.status, Status::skipped);
    EXPECT_EQ(row.largest_tokens, 0);
  }
  EXPECT_EQ(comparison.device.most_allocated_bytes, 0u);
}

constexpr int kExpertOffsets = 1, kRowTokens = 2,
              kChosenExperts = 6;  // arrays as FakeDevice numbers them

TEST(RunBench, AWrongVariantFailsAtAPlaceAndIsNotTimed) {
  Comparison comparison;
  comparison.device.damage = [](int variant, int array, void* host, std::size_t) {
    auto* tokens = static_cast<std::int32_t*>(host);
    if (variant == 2 && array == kRowTokens) std::swap(tokens[0], tokens[1]);
  };
  EXPECT_TRUE(comparison.execute());
  const Row& wrong = comparison.row("grouped_gemm");
  EXPECT_EQ(wrong.status, Status::failed);
  EXPECT_EQ(wrong.reason, "row_tokens differs from the truth");
  EXPECT_THAT(wrong.checks,
              testing::Contains(testing::Field(&record::Check::where, HasSubstr("row 0: got "))));
  EXPECT_FALSE(wrong.forward || wrong.backward || wrong.total || wrong.tokens_per_s ||
               wrong.speedup);
  EXPECT_EQ(comparison.rows_done[0].variant, "grouped_gemm")
      << "it is known before any time is taken";
  for (const Row& row : comparison.run.rows) {
    if (row.variant == "grouped_gemm") continue;
    EXPECT_EQ(row.status, Status::ok) << row.variant;
    EXPECT_TRUE(row.speedup.has_value()) << row.variant;
  }
}

/// What an implementation that never writes its offsets leaves: poison, read as counts.
TEST(RunBench, SurvivesARoutingThatIsNone) {
  for (const CheckLevel level : {CheckLevel::quick, CheckLevel::off}) {
    for (const int array : {kExpertOffsets, kRowTokens, kChosenExperts}) {
      SCOPED_TRACE(array);
      Comparison comparison;
      comparison.request.check = level;
      comparison.device.damage = [&](int variant, int which, void* host, std::size_t bytes) {
        if (variant == 3 && which == array) std::memset(host, 0xff, bytes);
      };
      EXPECT_TRUE(comparison.execute());
      EXPECT_EQ(comparison.row("grouped_gemm+rounding").status, Status::failed);
      EXPECT_NE(comparison.row("grouped_gemm+rounding").reason, "");
      EXPECT_EQ(comparison.row("sonic").status, Status::ok);
      EXPECT_TRUE(comparison.row("sonic").total.has_value());
    }
  }
}

TEST(RunBench, SurvivesOffsetsThatAreFarTooLarge) {
  Comparison comparison;
  comparison.device.damage = [](int variant, int array, void* host, std::size_t) {
    if (variant == 1 && array == kExpertOffsets)
      static_cast<std::int32_t*>(host)[8] = 2'000'000'000;
  };
  EXPECT_TRUE(comparison.execute());
  EXPECT_EQ(comparison.row("vanilla").status, Status::failed);
  EXPECT_FALSE(comparison.row("sonic").speedup.has_value()) << "there is no baseline";
}

TEST(RunBench, AnInterruptKeepsFinishedSamples) {
  Comparison comparison;
  comparison.interrupt_after_passes = 2 * 7;  // a round of five variants, and two samples more
  EXPECT_FALSE(comparison.execute());
  EXPECT_EQ(comparison.row("vanilla").total->samples_s.size(), 1u);
  EXPECT_EQ(comparison.row("sonic+rounding").total->samples_s.size(), 2u);
  for (const Row& row : comparison.run.rows) EXPECT_TRUE(row.speedup.has_value()) << row.variant;
  EXPECT_TRUE(comparison.rows_done.empty()) << "a row that was cut short is not finished";
}

TEST(RunBench, AnInterruptInTheFirstRoundSkipsTheRest) {
  Comparison comparison;
  comparison.interrupt_after_passes = 2 * 2;
  EXPECT_FALSE(comparison.execute());
  EXPECT_EQ(comparison.row("grouped_gemm").status, Status::ok);
  EXPECT_EQ(comparison.row("sonic").status, Status::skipped);
  EXPECT_EQ(comparison.row("sonic").reason, "interrupted before its first sample");
  EXPECT_TRUE(comparison.rows_done.empty());
}

TEST(RunBench, AnInterruptBeforeAnyTimingLeavesNoRowWithoutAReason) {
  Comparison comparison;
  comparison.interrupt_after_passes = 0;
  EXPECT_FALSE(comparison.execute());
  for (const Row& row : comparison.run.rows) {
    EXPECT_EQ(row.status, Status::skipped);
    EXPECT_EQ(row.reason, "interrupted before its first sample");
  }
}

TEST(RunBench, KeepsFinishedRowsAndMeasuresTheOthers) {
  Comparison first;
  EXPECT_TRUE(first.execute());
  Comparison second;
  second.request.finished = {first.row("sonic+rounding"), first.row("vanilla")};
  EXPECT_TRUE(second.execute());
  EXPECT_EQ(names(second.run.rows), default_labels(DeviceKind::cpu)) << "in the table's order";
  EXPECT_EQ(second.rows_done.size(), 3u);
  for (const char* kept : {"vanilla", "sonic+rounding"}) {
    EXPECT_EQ(second.row(kept).total->samples_s, first.row(kept).total->samples_s) << kept;
  }
  EXPECT_DOUBLE_EQ(*second.row("sonic").speedup,
                   first.row("vanilla").total->median_s / second.row("sonic").total->median_s);
  EXPECT_EQ(second.run.warnings, first.run.warnings) << "of kept rows too";
}

TEST(RunBench, MeasuresNothingWhereAllIsFinished) {
  Comparison first;
  EXPECT_TRUE(first.execute());
  Comparison second;
  second.request.finished = first.run.rows;
  second.interrupt_after_passes = 0;
  EXPECT_TRUE(second.execute());
  EXPECT_TRUE(second.rows_done.empty());
  EXPECT_EQ(*second.row("vanilla").speedup, 1.0);
}

TEST(DescribeRun, SaysWhatARunIsAbout) {
  Comparison comparison;
  comparison.request.traffic = routing::parse_traffic("zipf:1");
  comparison.request.seed = 7;
  describe_run(comparison.request, comparison.run);
  EXPECT_EQ(comparison.run.mode, "forward_backward");
  EXPECT_EQ(comparison.run.traffic, "zipf:1");
  EXPECT_EQ(comparison.run.seed, 7u);
  EXPECT_EQ(comparison.run.baseline, "vanilla");
  EXPECT_EQ(comparison.run.min_samples, 3);
  EXPECT_EQ(comparison.run.flops_per_pass, 18.0 * 192 * 32 * 24);
}

}  // namespace
}  // namespace moe::measure
