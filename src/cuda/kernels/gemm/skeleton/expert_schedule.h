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
//
// A gradient that is longer than wide goes along its columns first: CTAs at work at a time have
// nearly a square of it then, and need the fewest rows of both operands.
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

/// `columns_first`: for gradients longer than wide, see above.
MOE_SCHEDULE TileOfPair tile_of_unit(int unit, int rank, int row_tiles, int column_tiles, int pair,
                                     bool columns_first = false) {
  if (pair == 1) {
    if (columns_first) return {unit / column_tiles, unit % column_tiles, false, false};
    return {unit % row_tiles, unit / row_tiles, false, false};
  }
  const int row_pairs = row_tiles / 2;
  const int paired_units = row_pairs * column_tiles;
  if (unit < paired_units) {
    if (columns_first) return {unit / column_tiles * 2 + rank, unit % column_tiles, true, false};
    return {unit % row_pairs * 2 + rank, unit / row_pairs, true, false};
  }
  const int column = (unit - paired_units) * 2 + rank;
  if (column < column_tiles) return {row_tiles - 1, column, false, false};
  return {row_tiles - 1, column - 1, false, true};
}

/// A run of reduction steps of one unit. Whoever has a unit's last one finishes the unit.
struct UnitPiece {
  int unit;
  int k_begin, k_steps;
  int helpers;  // of a last piece: how many of the clusters before have the pieces before it; of
                // any other one kLeavesSums
};

inline constexpr int kLeavesSums = -1;

/// Deals units to clusters so that all have the same number of reduction steps, though units fill
/// no whole rounds: rounds of one unit each, then what is left, one to two rounds, as a single line
/// of steps in equal parts (the hybrid of stream-K; Osama et al., arXiv 2301.03598, section 5).
///
///   3 clusters, 7 units of 4 steps         cluster 0   0 0 0 0 | 3 3 3 3 4
///                                          cluster 1   1 1 1 1 | 5 5 4 4 4
///                                          cluster 2   2 2 2 2 | 6 6 6 6 5 5
///
/// Of its part of the line a cluster takes whole units first, then the unit that the next one goes
/// on with, and last the one that it goes on with itself. So, where there are as many units as
/// clusters, all are at about the same step of their reductions at a time, and ask for the same
/// columns of an expert's rows and weights, which memory then delivers once; in the order of the
/// line each would be at another one. And sums that others wait for are left before a cluster waits
/// itself.
class UnitStream {
 public:
  MOE_SCHEDULE UnitStream(int units, int steps, int cluster, int num_clusters)
      : steps_(steps), cluster_(cluster), num_clusters_(num_clusters) {
    const int rounds = units / num_clusters;
    direct_units_ =
        units % num_clusters == 0 ? units : (rounds > 1 ? rounds - 1 : 0) * num_clusters;
    line_ = (units - direct_units_) * steps;
    begin_ = begin_of(cluster);
    end_ = begin_of(cluster + 1);
    next_unit_ = cluster < direct_units_ ? cluster : first_of_line();
  }

  /// False when nothing is left for this cluster.
  MOE_SCHEDULE bool next(UnitPiece& piece) {
    if (next_unit_ < direct_units_) {
      piece = {next_unit_, 0, steps_, 0};
      next_unit_ += num_clusters_;
      if (next_unit_ >= direct_units_) next_unit_ = first_of_line();
      return true;
    }
    const int at = (next_unit_ - direct_units_) * steps_;
    if (at < end_) {
      const bool is_whole = end_ - at >= steps_;
      piece = {next_unit_++, 0, is_whole ? steps_ : end_ - at, is_whole ? 0 : kLeavesSums};
      return true;
    }
    const int index = begin_ / steps_, k_begin = begin_ - index * steps_;
    if (k_begin == 0) return false;
    const int unit_begin = begin_ - k_begin, unit_end = unit_begin + steps_;
    piece = {direct_units_ + index, k_begin, end_ - begin_, kLeavesSums};
    if (end_ >= unit_end) {
      piece.k_steps = unit_end - begin_;
      piece.helpers = 0;
      while (begin_of(cluster_ - piece.helpers) > unit_begin) ++piece.helpers;
    }
    begin_ = 0;  // done: a line begins with a whole unit
    return true;
  }

 private:
  /// The first unit that begins in this cluster's part of the line.
  MOE_SCHEDULE int first_of_line() const { return direct_units_ + (begin_ + steps_ - 1) / steps_; }

  /// Where a cluster's part of the line begins. No part is empty while there are steps for all.
  MOE_SCHEDULE int begin_of(int cluster) const {
    const int parts = line_ < num_clusters_ ? line_ : num_clusters_;
    if (cluster >= parts) return line_;
    return static_cast<int>(static_cast<std::int64_t>(line_) * cluster / parts);
  }

  int steps_, cluster_, num_clusters_;
  int next_unit_, direct_units_;
  int line_, begin_, end_;  // steps of the line, and this cluster's part of it
};

}  // namespace moe::cuda
