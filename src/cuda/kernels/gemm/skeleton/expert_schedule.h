// Which output tile a CTA works on: all experts' tiles in one line, cut into units that a pair of
// CTAs computes together. Pure arithmetic, host and device.
//
// Inside an expert, row tiles are the fast direction, so that a stripe of weights is read once
// while the expert's rows stay in L2. A pair takes two row tiles and shares the loads of B. When
// the number of row tiles is odd, the last one is paired along the columns instead, and B is not
// shared:
//
//   row tile   0  1  2            units of a pair (numbers), 3 row tiles x 4 column tiles
//   column 0   0  0  4
//   column 1   1  1  4
//   column 2   2  2  5
//   column 3   3  3  5
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define MOE_SCHEDULE __host__ __device__ __forceinline__
#else
#define MOE_SCHEDULE inline
#endif

namespace moe::cuda {

struct TileOfPair {
  int row_tile;
  int column_tile;
  bool shares_b;  // both CTAs have the same column tile
  bool is_dummy;  // nothing left for this CTA; it only keeps its partner company
};

/// Units of an expert for CTAs in pairs (`pair` 2) or alone (1).
MOE_SCHEDULE int units_of_expert(int row_tiles, int column_tiles, int pair) {
  if (pair == 1) return row_tiles * column_tiles;
  return row_tiles / 2 * column_tiles + row_tiles % 2 * ((column_tiles + 1) / 2);
}

MOE_SCHEDULE TileOfPair tile_of_unit(int unit, int rank, int row_tiles, int column_tiles,
                                     int pair) {
  if (pair == 1) return {unit % row_tiles, unit / row_tiles, false, false};
  const int row_pairs = row_tiles / 2;
  const int paired_units = row_pairs * column_tiles;
  if (unit < paired_units) return {unit % row_pairs * 2 + rank, unit / row_pairs, true, false};
  const int column = (unit - paired_units) * 2 + rank;
  if (column < column_tiles) return {row_tiles - 1, column, false, false};
  return {row_tiles - 1, column - 1, false, true};
}

/// A run of reduction steps of one unit.
struct UnitPiece {
  int unit;
  int k_begin, k_steps;
  int helpers;  // of a first piece: how many of the next clusters have the pieces behind it
};

/// Deals units to clusters so that all have the same number of reduction steps, though units fill
/// no whole rounds: rounds of one unit each, then what is left, one to two rounds, as a single line
/// of steps in equal parts (the hybrid of stream-K; Osama et al., arXiv 2301.03598, section 5).
///
///   3 clusters, 7 units of 4 steps         cluster 0   0 0 0 0 | 3 3 3 3 4
///                                          cluster 1   1 1 1 1 | 4 4 4 5 5
///                                          cluster 2   2 2 2 2 | 5 5 6 6 6 6
///
/// Whoever has a unit's first piece finishes the unit, and gets the sums of the other pieces from
/// the clusters that follow. Those come to them first in their part and it comes last in its own,
/// so that it does not wait.
class UnitStream {
 public:
  MOE_SCHEDULE UnitStream(int units, int steps, int cluster, int num_clusters)
      : steps_(steps), cluster_(cluster), num_clusters_(num_clusters), next_unit_(cluster) {
    const int rounds = units / num_clusters;
    direct_units_ =
        units % num_clusters == 0 ? units : (rounds > 1 ? rounds - 1 : 0) * num_clusters;
    line_ = (units - direct_units_) * steps;
    parts_ = line_ < num_clusters ? line_ : num_clusters;  // none is empty
    at_ = begin_of(cluster);
    end_ = begin_of(cluster + 1);
  }

  /// False when nothing is left for this cluster.
  MOE_SCHEDULE bool next(UnitPiece& piece) {
    if (next_unit_ < direct_units_) {
      piece = {next_unit_, 0, steps_, 0};
      next_unit_ += num_clusters_;
      return true;
    }
    if (at_ >= end_) return false;
    const int index = at_ / steps_, unit_end = (index + 1) * steps_;
    const int end = end_ < unit_end ? end_ : unit_end;
    piece = {direct_units_ + index, at_ - index * steps_, end - at_, 0};
    if (piece.k_begin == 0) {
      while (begin_of(cluster_ + 1 + piece.helpers) < unit_end) ++piece.helpers;
    }
    at_ = end;
    return true;
  }

 private:
  /// Where a cluster's part of the line begins.
  MOE_SCHEDULE int begin_of(int cluster) const {
    if (cluster >= parts_) return line_;
    return static_cast<int>(static_cast<std::int64_t>(line_) * cluster / parts_);
  }

  int steps_, cluster_, num_clusters_;
  int next_unit_, direct_units_;
  int line_, parts_, at_, end_;
};

}  // namespace moe::cuda
