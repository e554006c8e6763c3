// Which CTA computes what: pure arithmetic, tested without a GPU.
#include "cuda/kernels/gemm/skeleton/expert_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace moe::cuda {
namespace {

using Tile = std::pair<int, int>;  // row tile, column tile

class ExpertSchedule : public testing::TestWithParam<std::tuple<int, bool>> {};

TEST_P(ExpertSchedule, ComputesEveryTileOnce) {
  const auto [pair, columns_first] = GetParam();
  for (int row_tiles = 0; row_tiles < 8; ++row_tiles) {
    for (int column_tiles = 1; column_tiles < 7; ++column_tiles) {
      SCOPED_TRACE(testing::Message() << row_tiles << " x " << column_tiles);
      std::map<Tile, int> times;
      for (int unit = 0; unit < units_of_expert(row_tiles, column_tiles, pair); ++unit) {
        std::vector<TileOfPair> tiles;
        for (int rank = 0; rank < pair; ++rank)
          tiles.push_back(tile_of_unit(unit, rank, row_tiles, column_tiles, pair, columns_first));
        if (pair == 2) EXPECT_EQ(tiles[0].shares_b, tiles[1].shares_b);
        if (tiles[0].shares_b) EXPECT_EQ(tiles[0].column_tile, tiles[1].column_tile);
        for (const TileOfPair& tile : tiles)
          if (!tile.is_dummy) ++times[{tile.row_tile, tile.column_tile}];
      }
      EXPECT_EQ(times.size(), static_cast<std::size_t>(row_tiles * column_tiles));
      for (const auto& [tile, count] : times) EXPECT_EQ(count, 1);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(PairsAndOrders, ExpertSchedule,
                         testing::Combine(testing::Values(1, 2), testing::Bool()));

/// Row after row of a long and narrow gradient, so that a wave of CTAs shares all its columns.
TEST(ExpertScheduleOrder, ColumnsFirst) {
  EXPECT_EQ(tile_of_unit(3, 0, 100, 4, 1, true).column_tile, 3);
  EXPECT_EQ(tile_of_unit(4, 0, 100, 4, 1, true).row_tile, 1);
  EXPECT_EQ(tile_of_unit(4, 1, 100, 4, 2, true).row_tile, 3);
}

struct Dealt {
  int cluster;
  UnitPiece piece;
};

std::vector<Dealt> deal(int units, int steps, int clusters) {
  std::vector<Dealt> all;
  for (int cluster = 0; cluster < clusters; ++cluster) {
    UnitStream stream(units, steps, cluster, clusters);
    for (UnitPiece piece; stream.next(piece);) all.push_back({cluster, piece});
  }
  return all;
}

class UnitStreams : public testing::TestWithParam<int> {};  // clusters

TEST_P(UnitStreams, CoverEveryStepOnceAndEvenly) {
  const int clusters = GetParam();
  for (const int units : {0, 1, 2, 3, 5, 7, 12, 66, 67, 138, 140}) {
    for (const int steps : {1, 2, 5, 64}) {
      SCOPED_TRACE(testing::Message() << units << " units of " << steps);
      std::vector<int> times(units * steps), own_steps(clusters);
      for (const auto& [cluster, piece] : deal(units, steps, clusters)) {
        ASSERT_GT(piece.k_steps, 0);
        ASSERT_LE(piece.k_begin + piece.k_steps, steps);
        own_steps[cluster] += piece.k_steps;
        for (int k = 0; k < piece.k_steps; ++k) ++times[piece.unit * steps + piece.k_begin + k];
      }
      EXPECT_THAT(times, testing::Each(1));
      const auto [fewest, most] = std::minmax_element(own_steps.begin(), own_steps.end());
      EXPECT_LE(*most - *fewest, 1);
    }
  }
}

/// Who finishes a unit finds its other pieces with exactly the clusters before, a piece each; and
/// nobody leaves two sums in the one slot.
TEST_P(UnitStreams, HelpersAreTheClustersBefore) {
  const int clusters = GetParam();
  for (const int units : {1, 2, 5, 7, 12, 67, 138}) {
    for (const int steps : {1, 3, 64}) {
      SCOPED_TRACE(testing::Message() << units << " units of " << steps);
      const std::vector<Dealt> all = deal(units, steps, clusters);
      std::map<int, int> sums_left;  // by cluster: the unit
      for (const auto& [cluster, piece] : all) {
        if (piece.k_begin + piece.k_steps == steps) continue;
        EXPECT_EQ(piece.helpers, kLeavesSums);
        EXPECT_TRUE(sums_left.emplace(cluster, piece.unit).second) << "two sums of " << cluster;
      }
      std::size_t collected = 0;
      for (const auto& [cluster, piece] : all) {
        EXPECT_EQ(piece.helpers > 0, piece.k_begin > 0 && piece.k_begin + piece.k_steps == steps);
        for (int helper = 1; helper <= piece.helpers; ++helper, ++collected) {
          ASSERT_TRUE(sums_left.contains(cluster - helper));
          EXPECT_EQ(sums_left[cluster - helper], piece.unit);
        }
      }
      EXPECT_EQ(collected, sums_left.size());
    }
  }
}

/// Sums must be on their way before anybody waits for them.
TEST_P(UnitStreams, SumsForOthersComeBeforeOwnWaiting) {
  for (const int units : {2, 7, 67, 138}) {
    bool has_waited = false;
    int last = -1;
    for (const auto& [cluster, piece] : deal(units, 16, GetParam())) {
      if (cluster != last) has_waited = false;
      last = cluster;
      if (piece.k_begin + piece.k_steps < 16) EXPECT_FALSE(has_waited);
      has_waited |= piece.helpers > 0;
    }
  }
}

/// A cluster's walk over experts goes forward, but to its last piece, which it looks up from the
/// start.
TEST_P(UnitStreams, UnitsRiseButForTheLastPiece) {
  for (const int units : {1, 2, 5, 7, 12, 67, 138}) {
    int last = -1, unit = -1;
    bool is_over = false;
    for (const auto& [cluster, piece] : deal(units, 16, GetParam())) {
      if (cluster != last) {
        unit = -1;
        is_over = false;
      }
      last = cluster;
      EXPECT_FALSE(is_over) << "a piece behind the last";
      if (piece.k_begin == 0) EXPECT_GT(piece.unit, unit);
      is_over = piece.k_begin > 0;
      unit = piece.unit;
    }
  }
}

/// Clusters at work at the same time are at nearly the same step of their reductions: no further
/// apart than parts are longer than whole units.
TEST_P(UnitStreams, ClustersAreAtTheSameStepAtATime) {
  const int clusters = GetParam(), steps = 64;
  const int units = clusters + clusters / 16 + 1;  // parts a little longer than a unit
  const int longest = (units * steps + clusters - 1) / clusters;
  std::map<int, int> time;  // by cluster
  for (const auto& [cluster, piece] : deal(units, steps, clusters)) {
    const int apart = (time[cluster] - piece.k_begin + steps) % steps;
    EXPECT_LE(apart, longest - steps) << "cluster " << cluster << ", unit " << piece.unit;
    time[cluster] += piece.k_steps;
  }
}

INSTANTIATE_TEST_SUITE_P(Clusters, UnitStreams, testing::Values(1, 2, 3, 5, 66),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace moe::cuda
