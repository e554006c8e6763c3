// From wgmma accumulators to device memory: float32 registers become 16-bit rows of a swizzled
// image of 64 x 64 elements, packed by one warpgroup, which the copy engine stores with bounds.
#pragma once

#include <cstdint>

#include "cuda/ptx/fence.cuh"
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

/// This thread's 32 values of 64 rows x 64 columns of accumulators, as the image will hold them.
struct PackedImage {
  std::uint32_t words[kImageValues / 2];
};

template <class Element>
__device__ __forceinline__ PackedImage pack_values(const float* d) {
  PackedImage packed;
#pragma unroll
  for (int i = 0; i < kImageValues / 2; ++i)
    packed.words[i] = ptx::pack<Element>(d[2 * i], d[2 * i + 1]);
  return packed;
}

/// By all threads of a warpgroup.
__device__ __forceinline__ void write_image(Image& image, const PackedImage& packed, int thread) {
  const FragmentPlace place(thread);
  const std::uint32_t base = ptx::shared_address(image.bytes);
#pragma unroll
  for (int pair = 0; pair < 4; ++pair) {
    const std::uint32_t* v = packed.words + 4 * pair;
    ptx::stmatrix_x4(base + swizzled_offset(place.row, 2 * pair + place.chunk), v[0], v[1], v[2],
                     v[3]);
  }
}

/// The same transposed: image row r is accumulator column r.
__device__ __forceinline__ void write_image_transposed(Image& image, const PackedImage& packed,
                                                       int thread) {
  const int warp = thread / 32, lane = thread % 32;
  const int row = lane / 16 * 8 + lane % 8, chunk = warp * 2 + lane / 8 % 2;
  const std::uint32_t base = ptx::shared_address(image.bytes);
#pragma unroll
  for (int pair = 0; pair < 4; ++pair) {
    const std::uint32_t* v = packed.words + 4 * pair;
    ptx::stmatrix_x4_transposed(base + swizzled_offset(16 * pair + row, chunk), v[0], v[1], v[2],
                                v[3]);
  }
}

template <class Element>
__device__ __forceinline__ void pack_image(Image& image, const float* d, int thread) {
  write_image(image, pack_values<Element>(d), thread);
}

inline constexpr int kOwnImages = 2;

/// The images of a CTA with two consumer warpgroups.
using CtaImages = Image[2 * kOwnImages];

/// One consumer's two of them.
class ImageStore {
 public:
  __device__ __forceinline__ ImageStore(CtaImages& images, int thread, int consumer)
      : images_(images + consumer * kOwnImages), thread_(thread), consumer_(consumer) {}

  /// Stores kCount images: pack(i, image) by all 128 threads, copy(i, image) by one. Beyond two it
  /// waits until the copy engine has read those before.
  template <int kCount, class Pack, class Copy>
  __device__ __forceinline__ void store(Pack&& pack, Copy&& copy) {
    constexpr int kAtOnce = kCount < kOwnImages ? kCount : kOwnImages;
#pragma unroll
    for (int first = 0; first < kCount; first += kAtOnce) {
      if (used_ + kAtOnce > kOwnImages) recycle();
      Image* images = images_ + used_;
#pragma unroll
      for (int i = 0; i < kAtOnce && first + i < kCount; ++i) pack(first + i, images[i]);
      ptx::fence_proxy_async();
      own_sync();
      if (thread_ == 0) {
#pragma unroll
        for (int i = 0; i < kAtOnce && first + i < kCount; ++i) copy(first + i, images[i]);
        ptx::tma_store_commit();
      }
      used_ += kAtOnce;
    }
  }

  __device__ __forceinline__ int thread() const {
    return thread_;
  }

 private:
  static constexpr int kOwnBarrier = 1;  // named barriers 1 and 2

  /// Until the copy engine has read all images.
  __device__ __forceinline__ void recycle() {
    if (thread_ == 0) ptx::tma_store_wait_read<0>();
    own_sync();
    used_ = 0;
  }
  __device__ __forceinline__ void own_sync() const {
    ptx::named_barrier_sync(kOwnBarrier + consumer_, kWarpgroupThreads);
  }

  Image* images_;
  int thread_, consumer_;
  int used_ = 0;  // images that may still be read
};

__device__ __forceinline__ void clear_image(Image& image, int thread) {
  auto* words = reinterpret_cast<uint4*>(image.bytes);
  for (int i = thread; i < kImageBytes / 16; i += kWarpgroupThreads)
    words[i] = make_uint4(0, 0, 0, 0);
}

}  // namespace moe::cuda
