// Captured graphs: which rows get them, that a replay is compared before it is timed, and what a
// row without one says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "measure/comparison.h"

namespace moe::measure {
namespace {

using testing::HasSubstr;

Comparison with_graphs() {
  Comparison comparison;
  comparison.device.pretends_graphs = true;
  comparison.request.variants = {"vanilla", "grouped_gemm", "sonic"};
  return comparison;
}

TEST(GraphRows, ReplaysAreTimedBesideTheCalls) {
  Comparison comparison = with_graphs();
  EXPECT_TRUE(comparison.execute());
  for (const char* variant : {"grouped_gemm", "sonic"}) {
    const record::Row& row = comparison.row(variant);
    EXPECT_EQ(row.graph_forward->samples_s.size(), 3u) << variant;
    EXPECT_EQ(row.graph_backward->samples_s.size(), 3u) << variant;
    EXPECT_DOUBLE_EQ(row.graph_total->samples_s[0],
                     row.graph_forward->samples_s[0] + row.graph_backward->samples_s[0]);
    EXPECT_EQ(row.no_graph_reason, "");
  }
  EXPECT_EQ(comparison.device.replays, 2 * 2 * (1 + 3));
}

TEST(GraphRows, AVariantThatWaitsForTheDeviceSaysSo) {
  Comparison comparison = with_graphs();
  EXPECT_TRUE(comparison.execute());
  const record::Row& row = comparison.row("vanilla");
  EXPECT_EQ(row.status, record::Status::ok);
  EXPECT_FALSE(row.graph_forward.has_value());
  EXPECT_THAT(row.no_graph_reason, HasSubstr("reads results of the device on the host"));
}

TEST(GraphRows, AReplayWithOtherBitsGetsNoTime) {
  Comparison comparison = with_graphs();
  comparison.device.spoils_graphs = true;
  EXPECT_TRUE(comparison.execute());
  const record::Row& row = comparison.row("sonic");
  EXPECT_EQ(row.status, record::Status::ok);
  EXPECT_FALSE(row.graph_total.has_value());
  EXPECT_THAT(row.no_graph_reason, HasSubstr("other bits"));
}

TEST(GraphRows, ForwardAloneHasOneGraph) {
  Comparison comparison = with_graphs();
  comparison.request.backward = false;
  EXPECT_TRUE(comparison.execute());
  EXPECT_TRUE(comparison.row("sonic").graph_total.has_value());
  EXPECT_FALSE(comparison.row("sonic").graph_backward.has_value());
}

TEST(GraphRows, ADeviceWithoutGraphsNeedsNoReason) {
  Comparison comparison;
  EXPECT_TRUE(comparison.execute());
  EXPECT_EQ(comparison.row("vanilla").no_graph_reason, "");
  EXPECT_FALSE(comparison.row("sonic").graph_forward.has_value());
}

}  // namespace
}  // namespace moe::measure
