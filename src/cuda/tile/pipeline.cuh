// A ring of shared-memory stages between a producer and consumers.
//
//   producer  waits free[s]   -> fills stage s -> signals filled[s]
//   consumers wait filled[s]  -> read stage s  -> signal  free[s]
//
// Both sides walk the ring with a cursor of their own; nobody else flips a phase bit.
#pragma once

#include <cstdint>

#include "cuda/ptx/fence.cuh"
#include "cuda/ptx/mbarrier.cuh"

namespace moe::cuda {

/// The barriers of a ring, in shared memory.
template <int kStages>
struct PipelineBarriers {
  ptx::Mbarrier filled[kStages];
  ptx::Mbarrier free[kStages];
};

/// Position in the ring: a stage, and the parity of its current use.
template <int kStages>
struct PipelineCursor {
  int stage = 0;
  std::uint32_t parity = 0;

  __device__ __forceinline__ void advance() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }

  /// Passes over stages that somebody else consumes.
  __device__ __forceinline__ void skip(int stages) {
    stage += stages;
    parity ^= static_cast<std::uint32_t>(stage / kStages) & 1u;
    stage %= kStages;
  }
};

/// kClusterSize CTAs that read each other's loads must all have freed a stage before it is filled
/// again.
template <int kStages, int kClusterSize>
struct Pipeline {
  using Barriers = PipelineBarriers<kStages>;
  using Cursor = PipelineCursor<kStages>;

  Barriers& barriers;

  /// By one thread, before fence_mbarrier_init() and a cluster-wide (or CTA-wide) barrier.
  static __device__ __forceinline__ void init(Barriers& barriers, int filling_arrivals,
                                              int freeing_warps) {
    for (int stage = 0; stage < kStages; ++stage) {
      ptx::mbarrier_init(&barriers.filled[stage], filling_arrivals);
      ptx::mbarrier_init(&barriers.free[stage], freeing_warps * kClusterSize);
    }
  }

  __device__ __forceinline__ void wait_free(const Cursor& at) const {
    // A ring that was never used is free: its first wait is for the phase before the first.
    ptx::mbarrier_wait(&barriers.free[at.stage], at.parity ^ 1);
  }
  __device__ __forceinline__ ptx::Mbarrier* filled(const Cursor& at) const {
    return &barriers.filled[at.stage];
  }
  __device__ __forceinline__ void wait_filled(const Cursor& at) const {
    ptx::mbarrier_wait(&barriers.filled[at.stage], at.parity);
  }
  /// By every lane of a consumer warp: one arrival per warp and CTA of the cluster.
  __device__ __forceinline__ void release(int stage, int lane) const {
    if constexpr (kClusterSize > 1) {
      if (lane < kClusterSize) ptx::mbarrier_arrive_remote(&barriers.free[stage], lane);
    } else {
      if (lane == 0) ptx::mbarrier_arrive(&barriers.free[stage]);
    }
  }
};

}  // namespace moe::cuda
