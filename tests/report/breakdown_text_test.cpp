// The screen of --breakdown, golden.
#include "report/bench/breakdown_text.h"

#include <gtest/gtest.h>

#include "report/fixture.h"

namespace moe::report {
namespace {

TEST(BreakdownText, GoldenScreen) {
  record::Run run = small_run();
  run.rows = {row_of("sonic", 1.25, 2.45, 148)};
  run.rows[0].breakdown = record::Breakdown{{{"forward", "choose", 5e-5, 0, 2e7, 1e-5},
                                             {"forward", "up_proj", 2e-3, 1.2e12, 4e9, 1.7e-3},
                                             {"backward", "d_x_rows", 1e-3, 6e11, 1e9, 0}},
                                            1.2e-4,
                                            2.5e-4,
                                            9e-6,
                                            1.1e-5};
  EXPECT_EQ(breakdown_text(run), R"(
sonic, step by step (% floor: the least time at this run's ceilings / ms)
step         ms  TFLOP/s  TB/s  % floor
choose    0.050        -  0.40       20
up_proj   2.000    600.0  2.00       85
d_x_rows  1.000    600.0  1.00        -
sum       3.050
host: 120 us to issue forward, 250 us backward; as graphs 9.00 us, 11.0 us
)");
}

TEST(BreakdownText, SlowerMachinesHaveSmallerUnits) {
  record::Run run = small_run();
  run.rows = {row_of("sonic", 1.25, 2.45, 148)};
  run.rows[0].breakdown =
      record::Breakdown{{{"forward", "up_proj", 0.5, 5e10, 4e9, 0.4}}, 0.5, {}, {}, {}};
  EXPECT_EQ(breakdown_text(run), R"(
sonic, step by step (% floor: the least time at this run's ceilings / ms)
step          ms  GFLOP/s  GB/s  % floor
up_proj  500.000    100.0  8.00       80
sum      500.000
host: 500 ms to issue forward
)");
}

TEST(BreakdownText, IsEmptyWithoutOne) {
  EXPECT_EQ(breakdown_text(small_run()), "");
}

}  // namespace
}  // namespace moe::report
