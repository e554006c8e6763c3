// Sums of pieces of a tile, from one CTA to another through device memory, where units are
// streamed.
#pragma once

#include <cstdint>

#include "cuda/kernels/gemm/skeleton/gemm_tile.h"
#include "cuda/ptx/fence.cuh"
#include "cuda/ptx/warp.cuh"
#include "cuda/tile/store_tile.cuh"

namespace moe::cuda {

/// A slot for every consumer warpgroup of a grid, all flags zero before the kernel.
struct PartialSums {
  float* values;    // [slots, kValues, 128 threads], four neighbours together
  unsigned* ready;  // [slots]
};

/// By a whole consumer warpgroup, at most once per slot. `barrier`: a named barrier of its own.
template <int kValues>
__device__ __forceinline__ void leave_partial(const PartialSums& sums, int slot,
                                              const float (&acc)[kValues], int thread,
                                              int barrier) {
  auto* out = reinterpret_cast<float4*>(sums.values) +
              static_cast<std::int64_t>(slot) * (kValues / 4) * kWarpgroupThreads + thread;
#pragma unroll
  for (int i = 0; i < kValues / 4; ++i) {
    out[i * kWarpgroupThreads] =
        make_float4(acc[4 * i], acc[4 * i + 1], acc[4 * i + 2], acc[4 * i + 3]);
  }
  __threadfence();
  ptx::named_barrier_sync(barrier, kWarpgroupThreads);
  if (thread == 0) ptx::store_release(sums.ready + slot, 1u);
}

/// Waits for a slot and adds what was left there.
template <int kValues>
__device__ __forceinline__ void add_partial(const PartialSums& sums, int slot,
                                            float (&acc)[kValues], int thread, int barrier) {
  if (thread == 0) {
    while (ptx::load_acquire(sums.ready + slot) == 0) __nanosleep(50);
  }
  ptx::named_barrier_sync(barrier, kWarpgroupThreads);
  const auto* in = reinterpret_cast<const float4*>(sums.values) +
                   static_cast<std::int64_t>(slot) * (kValues / 4) * kWarpgroupThreads + thread;
#pragma unroll
  for (int i = 0; i < kValues / 4; ++i) {
    const float4 four = __ldcg(in + i * kWarpgroupThreads);
    acc[4 * i] += four.x;
    acc[4 * i + 1] += four.y;
    acc[4 * i + 2] += four.z;
    acc[4 * i + 3] += four.w;
  }
}

}  // namespace moe::cuda
