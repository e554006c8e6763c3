// Tile shapes of the GEMM kernels and what they need. Host and device.
#pragma once

namespace moe::cuda {

/// How the two consumer warpgroups of a CTA share work.
enum class Schedule {
  cooperative,  // both on one tile, 64 rows each
  ping_pong,    // a tile each, in turn: one multiplies while the other is in its epilogue
};

/// One CTA computes block_m x block_n of the output, block_k of the reduction per stage.
struct GemmTile {
  int block_m;
  int block_n;
  int block_k;
  int num_stages;
  int cluster_m;  // CTAs with neighbouring row tiles that share the loads of B
  Schedule schedule = Schedule::cooperative;

  static constexpr int kConsumers = 2;
  constexpr int num_threads() const { return 128 * (1 + kConsumers); }
  constexpr int a_bytes() const { return block_m * block_k * 2; }
  constexpr int b_bytes() const { return block_n * block_k * 2; }
  /// 64-row slices of the tile that one consumer owns.
  constexpr int slices() const {
    return block_m / 64 / (schedule == Schedule::cooperative ? kConsumers : 1);
  }
};

/// The tile of most products: four stages of it and 32 KiB of images fill shared memory.
inline constexpr GemmTile kTile128x256{
    .block_m = 128, .block_n = 256, .block_k = 64, .num_stages = 4, .cluster_m = 1};
inline constexpr GemmTile kTile128x256Pair{
    .block_m = 128, .block_n = 256, .block_k = 64, .num_stages = 4, .cluster_m = 2};

inline constexpr int kMaxSharedBytes = 227 * 1024;  // of one CTA on sm_90

}  // namespace moe::cuda
