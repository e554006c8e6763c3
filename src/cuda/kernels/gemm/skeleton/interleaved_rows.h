// Weights whose rows are gate and up of an MLP and are stored in turns, as the copy engine sees
// them. A weight [rows, width] of that kind is a matrix of half as many rows, twice as wide:
//
//   | gate 0 | up 0 |
//   | gate 1 | up 1 |
//   |  ...   | ...  |
//
// A box of rows i .. i + 63 and columns j .. j + 63 of gate or of up alone is a box of this matrix
// too. So products count rows as if all of gate stood before up, as H has its columns, and only the
// coordinates of a box differ. Boxes must not lie across the halves, nor end behind a row: half of
// the rows and the width are multiples of 64.
#pragma once

#include <limits>

#include "core/exact_math.h"

namespace moe::cuda {

/// Rows of one half, beyond all rows where they are not stored in turns.
constexpr int half_of_rows(int rows, bool interleaved) {
  return interleaved ? rows / 2 : std::numeric_limits<int>::max();
}

/// From coordinates in the weight, gate before up, to those in the matrix above.
MOE_HOST_DEVICE inline void place_interleaved(int& column, int& row, int width, int half) {
  if (row < half) return;
  column += width;
  row -= half;
}

}  // namespace moe::cuda
