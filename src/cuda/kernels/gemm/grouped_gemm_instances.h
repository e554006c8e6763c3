// The tiles that are compiled.
#pragma once

#include "cuda/kernels/gemm/gemm_tile.h"

namespace moe::cuda {

inline constexpr GemmTile kTile128x256{.block_m = 128, .block_n = 256, .block_k = 64, .num_stages = 4, .cluster_m = 2};
inline constexpr GemmTile kTile128x256Alone{.block_m = 128, .block_n = 256, .block_k = 64, .num_stages = 4, .cluster_m = 1};
inline constexpr GemmTile kTile128x192{.block_m = 128, .block_n = 192, .block_k = 64, .num_stages = 4, .cluster_m = 1};
inline constexpr GemmTile kTile128x128{.block_m = 128, .block_n = 128, .block_k = 64, .num_stages = 5, .cluster_m = 2};

}  // namespace moe::cuda
