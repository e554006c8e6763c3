// One line per sample, also of sweeps and of forward alone.
#include "report/bench/samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "report/fixture.h"

namespace moe::report {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Samples, StandOnALineEach) {
  record::Run run = small_run();
  run.rows = {row_of("vanilla", 1, 2, 520, 3), row_of("sonic", 1, 2, 148, 2)};
  run.rows[0].forward->samples_s = {0.1, 0.2, 0.3};
  run.rows[0].backward->samples_s = {1, 2, 3};
  run.rows[0].total->samples_s = {1.1, 2.2, 3.3};
  const std::string csv = samples_csv(run);
  EXPECT_THAT(csv, StartsWith("variant,sample,forward_s,backward_s,total_s\n"
                              "vanilla,0,0.1,1,1.1\nvanilla,1,0.2,2,2.2\nvanilla,2,0.3,3,3.3\n"
                              "sonic,0,"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 6);
}

TEST(Samples, OfASweepCarryTheirPoint) {
  record::Run run = small_run();
  run.swept = {"tokens", "dtype"};
  run.points.resize(2);
  run.points[1].values = {{"tokens", "512"}, {"dtype", "bf16"}};
  run.rows = {row_of("sonic", 1, 2, 148, 1)};
  run.rows[0].point = 1;
  EXPECT_THAT(samples_csv(run), StartsWith("tokens,dtype,variant,sample,forward_s,backward_s,"
                                           "total_s\n512,bf16,sonic,0,"));
}

TEST(Samples, AbsentPassesAreEmptyAndSkippedRowsHaveNoLine) {
  record::Run run = small_run();
  run.rows = {row_of("sonic", 1, 2, 148, 1), row_of("vanilla", 1, 2, 148, 1)};
  run.rows[0].backward.reset();
  skip(run.rows[1]);
  const std::string csv = samples_csv(run);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 2);
  EXPECT_THAT(csv, HasSubstr(",,"));
}

}  // namespace
}  // namespace moe::report
