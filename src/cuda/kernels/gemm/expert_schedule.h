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

}  // namespace moe::cuda
