// Tile shapes of the GEMM kernels and what they need. Host and device.
#pragma once

namespace moe::cuda {

/// One CTA computes block_m x block_n of the output, block_k of the reduction per stage. Consumer warpgroups
/// share a tile, 64 rows each; one more warpgroup produces.
struct GemmTile {
  int block_m;
  int block_n;
  int block_k;
  int num_stages;
  int cluster_m;  // CTAs with neighbouring row tiles that share the loads of B

  constexpr int num_consumers() const { return block_m / 64; }
  constexpr int num_threads() const { return 128 * (1 + num_consumers()); }
  constexpr int a_bytes() const { return block_m * block_k * 2; }
  constexpr int b_bytes() const { return block_n * block_k * 2; }
};

inline constexpr int kMaxSharedBytes = 227 * 1024;  // of one CTA on sm_90

}  // namespace moe::cuda
