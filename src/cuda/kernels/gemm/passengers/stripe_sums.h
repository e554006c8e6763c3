// Contract of sums over tokens that follow the product whose rows they add. The product is made in
// stripes of columns, all experts' rows of one stripe before the next; as soon as a stripe is
// there, warps that have nothing to multiply add up its rows, while the tensor cores are at the
// next stripe.
//
//   out[t] = sum over rows r of token t, ascending, of scale[r] y[r]      summed in float32
#pragma once

#include <cstdint>

namespace moe::cuda {

/// Most stripes of a product, and words of device memory that keep count of them.
inline constexpr int kMaxStripes = 16;
inline constexpr int kStripeCounters = kMaxStripes + 1;

/// The rows y are the product's own: [rows, d], bfloat16.
struct StripeSumsProblem {
  const float* row_scales;   // [rows]; null: all are 1
  const int* token_offsets;  // [T + 1]
  const int* token_rows;     // [rows]: the rows of token 0, of token 1, ...
  void* out;                 // [T, d]
  std::int64_t tokens;
  unsigned* counters;  // scratch, kStripeCounters words of device memory
  int stripes;         // wanted, 1 to kMaxStripes; fewer where d has fewer tiles
};

/// Columns of a stripe in tiles of the product: an even number, so that pairs of CTAs find pairs of
/// tiles.
constexpr int stripe_tiles(int column_tiles, int stripes) {
  const int least = (column_tiles + stripes - 1) / stripes;
  return (least + 1) / 2 * 2;
}

}  // namespace moe::cuda
