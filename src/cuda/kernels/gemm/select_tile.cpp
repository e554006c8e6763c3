// Measured on an H200 and an H100; shapes and times in docs/hopper.md.
#include "cuda/kernels/gemm/select_tile.h"

namespace moe::cuda {
namespace {

/// Shorter than this, handing sums over costs about what the even end gains.
constexpr int kShortestStreamed = 1024;

/// From this reduction on, memory that is not fast cannot make up for what drifting CTAs read
/// twice.
constexpr int kLong = 4096;
/// And from this one on, fast memory cannot where X is gathered as well.
constexpr int kVeryLong = 6145;

bool is_too_slow_to_drift(int k, const Card& card) {
  return !card.has_fast_memory && k >= kLong;
}

}  // namespace

TileChoice<GroupedTile> select_rows_tile(std::int64_t rows, int n, int k, const Card& card) {
  const std::int64_t tiles = (rows / 128 + 1) * ((n + 255) / 256);
  // Few tiles leave much of the last wave idle: less if they are cut along the reduction, or
  // halved.
  if (tiles < 4 * card.num_multiprocessors) {
    return {k >= kShortestStreamed ? GroupedTile::m128n256_streamed
                                   : GroupedTile::m128n128_ping_pong};
  }
  // A short reduction is a store machine, and CTAs that need not wait for a partner store better.
  if (k <= 256) return {GroupedTile::m128n256};
  if (is_too_slow_to_drift(k, card)) return {GroupedTile::m128n256, true};
  return {GroupedTile::m128n256_pair};
}

// Tokens of a narrow model stay in L2, and one column of tiles has nothing to share with another:
// nothing is gained by sharing the loads of B.
GroupedTile select_gradient_tile(int d, int columns) {
  return d > 1536 && columns > 256 ? GroupedTile::m128n256_pair : GroupedTile::m128n256;
}

TileChoice<UpProjTile> select_up_proj_tile(int d, const Card& card) {
  if (d >= kVeryLong || is_too_slow_to_drift(d, card)) return {UpProjTile::n128, true};
  return {UpProjTile::n128_pair};
}

TileChoice<DActTile> select_d_act_tile(int d, const Card& card) {
  if (is_too_slow_to_drift(d, card)) return {DActTile::n256, true};
  return {DActTile::n256_pair};
}

}  // namespace moe::cuda
