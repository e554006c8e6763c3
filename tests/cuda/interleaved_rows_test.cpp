// Boxes of interleaved weights: where the copy engine would look, element by element. No GPU
// needed.
#include "cuda/kernels/gemm/skeleton/interleaved_rows.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

namespace moe::cuda {
namespace {

constexpr int kBox = 64;

/// Row r of a weight that is counted as gate 0 .. n-1, up 0 .. n-1 and stored in turns.
std::int64_t stored_row(int r, int n) {
  return r < n ? 2 * r : 2 * (r - n) + 1;
}

TEST(InterleavedRows, ABoxHoldsTheRowsThatItIsNamedBy) {
  for (const auto& [n, width] : {std::pair(64, 64), std::pair(192, 128), std::pair(128, 320)}) {
    const int half = half_of_rows(2 * n, true);
    for (int first_row = 0; first_row < 2 * n; first_row += kBox) {
      for (int first_column = 0; first_column < width; first_column += kBox) {
        int column = first_column, row = first_row;
        place_interleaved(column, row, width, half);
        ASSERT_LE(row + kBox, n) << "beyond the matrix";
        ASSERT_LE(column + kBox, 2 * width) << "beyond the matrix";
        for (int i = 0; i < kBox; ++i) {
          const std::int64_t in_matrix = std::int64_t{row + i} * 2 * width + column;
          ASSERT_EQ(in_matrix, stored_row(first_row + i, n) * width + first_column)
              << "row " << first_row + i << " of " << 2 * n;
        }
      }
    }
  }
}

TEST(InterleavedRows, OtherWeightsStayWhereTheyAre) {
  const int half = half_of_rows(5760, false);
  for (const int first_row : {0, 2880, 5696}) {
    int column = 128, row = first_row;
    place_interleaved(column, row, 2880, half);
    EXPECT_EQ(row, first_row);
    EXPECT_EQ(column, 128);
  }
}

}  // namespace
}  // namespace moe::cuda
