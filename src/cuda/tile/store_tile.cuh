// From wgmma accumulators to device memory: float32 registers become bfloat16 rows of a swizzled image,
// which the copy engine stores with bounds. A warpgroup works alone, on 64 rows, 64 columns at a time:
//
//   chunk   0        1        2        3          two images in turn, so that chunk c + 1 is packed
//   image   0        1        0        1          while chunk c is still being stored
#pragma once

#include <cstdint>

#include "cuda/ptx/fence.cuh"
#include "cuda/ptx/mbarrier.cuh"
#include "cuda/ptx/tma.cuh"
#include "cuda/ptx/warp.cuh"
#include "cuda/tile/swizzle.h"

namespace moe::cuda {

inline constexpr int kWarpgroupThreads = 128;
inline constexpr int kStoreRows = 64;
inline constexpr int kStoreColumns = 64;
inline constexpr int kStoreImageBytes = kStoreRows * kStoreColumns * 2;

/// Images of one warpgroup.
struct alignas(kSwizzleAtomBytes) StoreImages {
  std::byte image[2][kStoreImageBytes];
};

/// Packs 64 columns of accumulators (d[0 .. 31] of this thread) into an image.
__device__ __forceinline__ void pack_image(std::byte* image, const float* d, int thread) {
  const int warp = thread / 32, lane = thread % 32;
  const int row = warp * 16 + (lane / 8 % 2) * 8 + lane % 8;
  const int chunk_of_pair = lane / 16;
  const std::uint32_t base = ptx::shared_address(image);
#pragma unroll
  for (int pair = 0; pair < 4; ++pair) {
    const float* v = d + 8 * pair;
    ptx::stmatrix_x4(base + swizzled_offset(row, 2 * pair + chunk_of_pair), ptx::pack_bf16(v[0], v[1]),
                     ptx::pack_bf16(v[2], v[3]), ptx::pack_bf16(v[4], v[5]), ptx::pack_bf16(v[6], v[7]));
  }
}

/// Stores kColumns columns of a warpgroup's accumulators. store(image, column) issues the copy of 64 columns
/// and is called by one thread; `barrier` is a named barrier that belongs to this warpgroup.
template <int kColumns, class Store>
__device__ __forceinline__ void store_accumulators(StoreImages& images, const float (&d)[kColumns / 2],
                                                   int thread, int barrier, Store&& store) {
#pragma unroll
  for (int chunk = 0; chunk < kColumns / kStoreColumns; ++chunk) {
    std::byte* image = images.image[chunk % 2];
    if (thread == 0) {  // until the store that used this image last has read it
      constexpr bool kOddChunks = kColumns / kStoreColumns % 2 == 1;
      if (kOddChunks && chunk == 0) {
        ptx::tma_store_wait_read<0>();  // an odd tile ended with this image
      } else {
        ptx::tma_store_wait_read<1>();
      }
    }
    ptx::named_barrier_sync(barrier, kWarpgroupThreads);
    pack_image(image, d + chunk * (kStoreColumns / 2), thread);
    ptx::fence_proxy_async();
    ptx::named_barrier_sync(barrier, kWarpgroupThreads);
    if (thread == 0) {
      store(image, chunk * kStoreColumns);
      ptx::tma_store_commit();
    }
  }
}

/// Stores zeros in the place of kColumns columns.
template <int kColumns, class Store>
__device__ __forceinline__ void store_zeros(StoreImages& images, int thread, int barrier, Store&& store) {
  if (thread == 0) ptx::tma_store_wait_read<0>();
  ptx::named_barrier_sync(barrier, kWarpgroupThreads);
  auto* words = reinterpret_cast<uint4*>(images.image[0]);
  for (int i = thread; i < kStoreImageBytes / 16; i += kWarpgroupThreads) words[i] = make_uint4(0, 0, 0, 0);
  ptx::fence_proxy_async();
  ptx::named_barrier_sync(barrier, kWarpgroupThreads);
  if (thread != 0) return;
  for (int column = 0; column < kColumns; column += kStoreColumns) store(images.image[0], column);
  ptx::tma_store_commit();
  ptx::tma_store_wait_read<0>();
}

}  // namespace moe::cuda
