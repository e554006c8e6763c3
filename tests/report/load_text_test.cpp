// Load lines: one per routing, rounded ones with what rounding changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/bench/bench_report.h"
#include "report/fixture.h"

namespace moe::report {
namespace {

TEST(LoadText, GoldenScreen) {
  EXPECT_EQ(
      load_text(small_run()),
      R"(experts    used 8/8 | max/mean 1.21 | CV 0.116 (random 0.014) | tile waste 3.1 % (nominal)
rounding   nearest to 128: dropped 1.5 %, added 3.0 % of pairs | largest change 63 rows | 119 tokens with fewer than K experts, 1 with none
rounded    used 8/8 | max/mean 1.25 | CV 0.117 (random 0.014) | tile waste 0.0 % (nominal)
)");
}

TEST(LoadText, NaturalRoutingComesFirstWhateverRanFirst) {
  record::Run run = small_run();
  std::swap(run.rows[0], run.rows[4]);
  EXPECT_EQ(load_text(run), load_text(small_run()));
}

TEST(LoadText, TileWasteIsRealOnAGpu) {
  record::Run run = small_run();
  run.environment.device_kind = "cuda";
  EXPECT_THAT(load_text(run), testing::Not(testing::HasSubstr("nominal")));
}

TEST(LoadText, EmptyWhenNothingRan) {
  record::Run run = small_run();
  for (record::Row& row : run.rows) skip(row);
  EXPECT_EQ(load_text(run), "");
}

}  // namespace
}  // namespace moe::report
