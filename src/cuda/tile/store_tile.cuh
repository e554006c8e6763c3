// From wgmma accumulators to device memory: float32 registers become 16-bit rows of a swizzled
// image, which the copy engine stores with bounds. A warpgroup works alone, 64 x 64 elements at a
// time, with two images in turn, so that one is packed while the other is still being stored.
#pragma once

#include <cstdint>

#include "cuda/ptx/fence.cuh"
#include "cuda/ptx/mbarrier.cuh"
#include "cuda/ptx/pair.cuh"
#include "cuda/ptx/tma.cuh"
#include "cuda/ptx/warp.cuh"
#include "cuda/tile/swizzle.h"

namespace moe::cuda {

inline constexpr int kWarpgroupThreads = 128;
inline constexpr int kImageRows = 64;
inline constexpr int kImageColumns = 64;
inline constexpr int kImageBytes = kImageRows * kImageColumns * 2;
inline constexpr int kImageValues =
    kImageRows * kImageColumns / kWarpgroupThreads;  // floats per thread

struct alignas(kSwizzleAtomBytes) Image {
  std::byte bytes[kImageBytes];
};

/// Where this thread's values of 16 rows x 16 columns lie: matrix lane / 8 of an 8x8 quartet.
struct FragmentPlace {
  int row;    // 0 .. 63 of the image
  int chunk;  // 0 or 1: left or right 8 columns

  explicit __device__ __forceinline__ FragmentPlace(int thread)
      : row(thread / 32 * 16 + thread % 32 / 8 % 2 * 8 + thread % 8), chunk(thread % 32 / 16) {}
};

/// Packs 64 rows x 64 columns of accumulators (32 of this thread) into an image.
template <class Element>
__device__ __forceinline__ void pack_image(Image& image, const float* d, int thread) {
  const FragmentPlace place(thread);
  const std::uint32_t base = ptx::shared_address(image.bytes);
#pragma unroll
  for (int pair = 0; pair < 4; ++pair) {
    const float* v = d + 8 * pair;
    ptx::stmatrix_x4(base + swizzled_offset(place.row, 2 * pair + place.chunk),
                     ptx::pack<Element>(v[0], v[1]), ptx::pack<Element>(v[2], v[3]),
                     ptx::pack<Element>(v[4], v[5]), ptx::pack<Element>(v[6], v[7]));
  }
}

/// The same transposed: image row r is accumulator column r.
template <class Element>
__device__ __forceinline__ void pack_image_transposed(Image& image, const float* d, int thread) {
  const int warp = thread / 32, lane = thread % 32;
  const int row = lane / 16 * 8 + lane % 8, chunk = warp * 2 + lane / 8 % 2;
  const std::uint32_t base = ptx::shared_address(image.bytes);
#pragma unroll
  for (int pair = 0; pair < 4; ++pair) {
    const float* v = d + 8 * pair;
    ptx::stmatrix_x4_transposed(base + swizzled_offset(16 * pair + row, chunk),
                                ptx::pack<Element>(v[0], v[1]), ptx::pack<Element>(v[2], v[3]),
                                ptx::pack<Element>(v[4], v[5]), ptx::pack<Element>(v[6], v[7]));
  }
}

/// Two images of one warpgroup and whose turn it is.
class StoreQueue {
 public:
  using Images = Image[2];

  /// `barrier`: a named barrier that belongs to this warpgroup.
  __device__ __forceinline__ StoreQueue(Images& images, int thread, int barrier)
      : images_(images), thread_(thread), barrier_(barrier) {}

  /// pack(image) is called by all 128 threads, copy(image) by one.
  template <class Pack, class Copy>
  __device__ __forceinline__ void store(Pack&& pack, Copy&& copy) {
    Image& image = images_[turn_];
    if (thread_ == 0)
      ptx::tma_store_wait_read<1>();  // the store that used this image last has read it
    ptx::named_barrier_sync(barrier_, kWarpgroupThreads);
    pack(image);
    ptx::fence_proxy_async();
    ptx::named_barrier_sync(barrier_, kWarpgroupThreads);
    if (thread_ == 0) {
      copy(image);
      ptx::tma_store_commit();
    }
    turn_ ^= 1;
  }

  __device__ __forceinline__ int thread() const { return thread_; }

 private:
  Images& images_;
  int thread_, barrier_;
  int turn_ = 0;
};

__device__ __forceinline__ void clear_image(Image& image, int thread) {
  auto* words = reinterpret_cast<uint4*>(image.bytes);
  for (int i = thread; i < kImageBytes / 16; i += kWarpgroupThreads)
    words[i] = make_uint4(0, 0, 0, 0);
}

}  // namespace moe::cuda
