// From wgmma accumulators to device memory: float32 registers become 16-bit rows of a swizzled
// image of 64 x 64 elements, packed by one warpgroup, which the copy engine stores with bounds.
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

inline constexpr int kCtaImages = 4;

/// The images of a CTA with two consumer warpgroups. Either each has two of its own; or they have
/// all four in turn, tile after tile. Then a consumer packs a tile of 256 columns at once, while
/// the other has the tensor cores for itself. Who has nothing to store takes and passes its turn
/// all the same.
template <bool kInTurn>
class ImageStore {
 public:
  using Images = Image[kCtaImages];

  __device__ __forceinline__ ImageStore(Images& images, int thread, int consumer)
      : images_(images + (kInTurn ? 0 : consumer * kOwn)), thread_(thread), consumer_(consumer) {
    if (kInTurn && consumer == 1) signal_other();  // the first turn is the other's
  }

  /// Waits for this consumer's turn.
  __device__ __forceinline__ void take() {
    if constexpr (kInTurn) {
      ptx::named_barrier_sync(kTurnBarrier + consumer_, 2 * kWarpgroupThreads);
      has_turn_ = true;
      used_ = 0;
    }
  }

  /// Lets the other have its turn, once the copy engine has read what is here. Nothing, without a
  /// turn. May be called late, to wait beside other work.
  __device__ __forceinline__ void pass() {
    if (!has_turn_) return;
    if (thread_ == 0) ptx::tma_store_wait_read<0>();
    __syncwarp();
    signal_other();
    has_turn_ = false;
  }

  /// Stores kCount images, in a turn: pack(i, image) by all 128 threads, copy(i, image) by one.
  template <int kCount, class Pack, class Copy>
  __device__ __forceinline__ void store(Pack&& pack, Copy&& copy) {
    constexpr int kAtOnce = kCount < kOwn ? kCount : kOwn;
#pragma unroll
    for (int first = 0; first < kCount; first += kAtOnce) {
      if (used_ + kAtOnce > kOwn) recycle();
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
  static constexpr int kOwn = kInTurn ? kCtaImages : kCtaImages / 2;
  // Named barriers: 1 and 2 are the consumers' own, 5 and 6 where both meet for 0's and 1's turn.
  static constexpr int kOwnBarrier = 1, kTurnBarrier = 5;

  /// Until the copy engine has read all images.
  __device__ __forceinline__ void recycle() {
    if (thread_ == 0) ptx::tma_store_wait_read<0>();
    own_sync();
    used_ = 0;
  }
  __device__ __forceinline__ void own_sync() const {
    ptx::named_barrier_sync(kOwnBarrier + consumer_, kWarpgroupThreads);
  }
  __device__ __forceinline__ void signal_other() const {
    ptx::named_barrier_arrive(kTurnBarrier + 1 - consumer_, 2 * kWarpgroupThreads);
  }

  Image* images_;
  int thread_, consumer_;
  int used_ = 0;  // images that may still be read
  bool has_turn_ = false;
};

__device__ __forceinline__ void clear_image(Image& image, int thread) {
  auto* words = reinterpret_cast<uint4*>(image.bytes);
  for (int i = thread; i < kImageBytes / 16; i += kWarpgroupThreads)
    words[i] = make_uint4(0, 0, 0, 0);
}

}  // namespace moe::cuda
