// Clocks and power of a device in the record, and the warning when rows ran at different clocks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "measure/comparison.h"
#include "measure/run/relate_rows.h"

namespace moe::measure {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Conditions, StandInEveryRow) {
  Comparison comparison;
  comparison.request.variants = {"sonic"};
  comparison.device.pretended_conditions = {{1980, 2600, 100, 40, ""},
                                            {1900, 2600, 500, 50, ""},
                                            {1500, 2600, 690, 60, "power cap"},
                                            {1400, 2600, 700, 61, "power cap"}};
  EXPECT_TRUE(comparison.execute());
  const record::Row& row = comparison.row("sonic");
  EXPECT_EQ(row.conditions_before->core_mhz, 1980);
  EXPECT_EQ(row.conditions_after->core_mhz, 1400);
  EXPECT_EQ(row.conditions_after->throttled, "power cap");
  EXPECT_EQ(row.core_mhz, 1500);
}

TEST(Conditions, AreAbsentWhereNobodyCanSay) {
  Comparison comparison;
  EXPECT_TRUE(comparison.execute());
  EXPECT_FALSE(comparison.row("sonic").conditions_before.has_value());
  EXPECT_FALSE(comparison.row("sonic").core_mhz.has_value());
  EXPECT_THAT(comparison.run.warnings, testing::Not(testing::Contains(HasSubstr("clocks"))));
}

record::Run two_rows(double first_mhz, double second_mhz) {
  record::Run run;
  run.rows.resize(2);
  run.rows[0].variant = "vanilla";
  run.rows[1].variant = "sonic";
  run.rows[0].core_mhz = first_mhz;
  run.rows[1].core_mhz = second_mhz;
  warn_about_clocks(run);
  return run;
}

TEST(Conditions, DifferentClocksAreAWarning) {
  EXPECT_THAT(two_rows(1700, 1500).warnings,
              ElementsAre(HasSubstr("1500 MHz in sonic, 1700 MHz in vanilla")));
  EXPECT_THAT(two_rows(1500, 1530).warnings, IsEmpty());
  EXPECT_THAT(two_rows(0, 1500).warnings, IsEmpty()) << "an unknown clock is no slow one";
}

/// A row of as many pairs of 4 experts, the fullest of which has `max_over_mean` times the mean,
/// beside a bar.
record::Run beside_a_bar(double max_over_mean, std::int64_t pairs = 1024) {
  record::Run run;
  run.model.layer.num_experts = 4;
  run.rows.resize(2);
  for (record::Row& row : run.rows) {
    row.credited_pairs = pairs;
    row.forward = row.total = record::Timing{.median_s = 1e-3};
  }
  run.rows[0].variant = "sonic";
  run.rows[0].load.emplace().max_over_mean = max_over_mean;
  run.rows[1].variant = "dense_bound";
  run.rows[1].reference = true;
  compare_with_dense_bound(run);
  warn_about_uneven_experts(run);
  return run;
}

TEST(Conditions, VeryUnevenExpertsBesideABarOfEqualOnesAreAWarning) {
  EXPECT_THAT(beside_a_bar(25.8).warnings, ElementsAre(HasSubstr("25 times the mean's rows")));
  EXPECT_THAT(beside_a_bar(1.3).warnings, IsEmpty());
  EXPECT_THAT(beside_a_bar(25.8, 100).warnings, IsEmpty()) << "few rows are uneven by chance";
  record::Run alone;
  alone.rows.resize(1);
  alone.rows[0].credited_pairs = 1024;
  alone.rows[0].load.emplace().max_over_mean = 25.8;
  alone.model.layer.num_experts = 4;
  warn_about_uneven_experts(alone);
  EXPECT_THAT(alone.warnings, IsEmpty()) << "no bar";
}

}  // namespace
}  // namespace moe::measure
