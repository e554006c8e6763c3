// Measured on an H200; shapes and times in docs/hopper.md.
#include "cuda/kernels/gemm/select_tile.h"

namespace moe::cuda {

GroupedTile select_rows_tile(std::int64_t rows, int n, int k, int num_multiprocessors) {
  const std::int64_t tiles = (rows / 128 + 1) * ((n + 255) / 256);
  // Few tiles: halves of them leave less of the last wave idle.
  if (tiles < 4 * num_multiprocessors) return GroupedTile::m128n128_ping_pong;
  // A short reduction is a store machine, and CTAs that need not wait for a partner store better.
  if (k <= 512) return GroupedTile::m128n256;
  return GroupedTile::m128n256_pair;
}

GroupedTile select_gradient_tile(bool gathered) {
  return gathered ? GroupedTile::m128n256_pair : GroupedTile::m128n256;
}

UpProjTile select_up_proj_tile() {
  return UpProjTile::n128_pair;
}

DActTile select_d_act_tile() {
  return DActTile::n128_ping_pong;
}

}  // namespace moe::cuda
