// Which compiled tile a product runs with. Host only; the rules come from measurements
// (docs/hopper.md).
#pragma once

#include <cstdint>

#include "cuda/kernels/gemm/d_act.h"
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/up_proj.h"

namespace moe::cuda {

/// What a choice hangs on beside the sizes.
struct Card {
  int num_multiprocessors = 0;
  bool has_fast_memory = false;  // above 4 TB/s, as an H200 and unlike an H100
};

/// `in_step`: CTAs wait for each other between tiles. Where a tile takes long they drift apart, and
/// an expert's weights are read several times; but waiting costs, most of all where pairs of CTAs
/// gather.
template <class Tile>
struct TileChoice {
  Tile tile;
  bool in_step = false;
};

/// `rows` routed rows in all, n output columns, k reduction. A streamed tile wants scratch: whoever
/// plans memory asks with the same sizes.
TileChoice<GroupedTile> select_rows_tile(std::int64_t rows, int n, int k, const Card& card);
/// The one of the tiles that f16 has which stands in for `tile`. A streamed one stays: its scratch
/// is planned.
constexpr GroupedTile nearest_fp16_tile(GroupedTile tile) {
  return tile == GroupedTile::m128n256_streamed ? tile : GroupedTile::m128n256_pair;
}
/// Of a gradient with that many columns, in a model d wide.
GroupedTile select_gradient_tile(int d, int columns);
TileChoice<UpProjTile> select_up_proj_tile(int d, const Card& card);
TileChoice<DActTile> select_d_act_tile(int d, const Card& card);

}  // namespace moe::cuda
