// A sweep's points as runs of their own, and speed-ups that never cross from one shape to another.
#include "record/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moe::record {
namespace {

using testing::ElementsAre;

Row row_of(const std::string& variant, std::int64_t point, double seconds) {
  Row row;
  row.variant = variant;
  row.point = point;
  row.executed_pairs = 1;
  row.total = Timing{{seconds}, seconds, seconds, seconds, seconds, seconds, std::nullopt};
  return row;
}

/// Two points; the second is four times as slow.
Run sweep() {
  Run run;
  run.id = "id";
  run.baseline = "vanilla";
  run.model.seq_len = 256;
  run.swept = {"tokens", "dtype"};
  run.points.resize(2);
  run.points[0].values = {{"dtype", "fp32"}, {"tokens", "256"}};
  run.points[0].model.seq_len = 256;
  run.points[1].values = {{"dtype", "bf16"}, {"tokens", "1024"}};
  run.points[1].model.seq_len = 1024;
  run.points[1].traffic = "hot:2";
  run.points[1].gemm_ceiling_flops_per_s = 3e11;
  run.points[1].copy_ceiling_bytes_per_s = 2e10;
  run.points[1].flops_per_pass = 7e9;
  run.points[1].warnings = {"few rows"};
  run.points[1].verdict = "Use sonic.";
  run.rows = {row_of("vanilla", 0, 1), row_of("sonic", 0, 0.5), row_of("vanilla", 1, 4),
              row_of("sonic", 1, 1)};
  return run;
}

TEST(Sweep, LabelsFollowTheOrderOfTheSweptFields) {
  EXPECT_EQ(point_label(sweep(), sweep().points[1]), "tokens=1024 dtype=bf16");
}

TEST(Sweep, APointIsARunOfItsOwn) {
  const auto points = points_of(sweep());
  ASSERT_EQ(points.size(), 2u);
  const auto& second = points[1];
  EXPECT_EQ(second.id, "id");
  EXPECT_EQ(second.model.seq_len, 1024);
  EXPECT_EQ(second.traffic, "hot:2");
  EXPECT_EQ(second.gemm_ceiling_flops_per_s, 3e11);
  EXPECT_EQ(second.copy_ceiling_bytes_per_s, 2e10);
  EXPECT_EQ(second.flops_per_pass, 7e9);
  EXPECT_THAT(second.warnings, ElementsAre("few rows"));
  EXPECT_EQ(second.verdict, "Use sonic.");
  EXPECT_TRUE(second.points.empty());
  ASSERT_EQ(second.rows.size(), 2u);
  EXPECT_EQ(second.rows[0].total->median_s, 4);
}

TEST(Sweep, ARunOfOneShapeIsItsOnlyPoint) {
  auto run = sweep();
  run.points.clear();
  ASSERT_EQ(points_of(run).size(), 1u);
  EXPECT_EQ(points_of(run)[0].rows.size(), 4u);
}

TEST(Sweep, RowsOfPointsThatAreNotThereAreLeftOut) {
  auto run = sweep();
  run.rows[0].point = 2;
  run.rows[1].point = -1;
  EXPECT_TRUE(points_of(run)[0].rows.empty());
  EXPECT_EQ(points_of(run)[1].rows.size(), 2u);
}

TEST(Sweep, SpeedUpsStayWithinAPoint) {
  auto run = sweep();
  compare_with_baseline(run);
  EXPECT_EQ(run.rows[0].speedup, 1.0);
  EXPECT_EQ(run.rows[1].speedup, 2.0);
  EXPECT_EQ(run.rows[3].speedup, 4.0);
}

TEST(Sweep, WithoutABaselineThereIsNoSpeedUp) {
  auto run = sweep();
  run.rows[2].total.reset();  // the second point's baseline was skipped
  run.rows[1].executed_pairs = 0;
  compare_with_baseline(run);
  EXPECT_EQ(run.rows[0].speedup, 1.0);
  EXPECT_EQ(run.rows[1].speedup, std::nullopt) << "it computed nothing";
  EXPECT_EQ(run.rows[3].speedup, std::nullopt);
}

}  // namespace
}  // namespace moe::record
