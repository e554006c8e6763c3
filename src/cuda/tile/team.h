// The threads of a block as one worker. An algorithm that is written for a Team runs on the device
// by a block, and in tests on the host by a loop: its logic is tried where no GPU is.
//
//   each(n, work)         work(0) .. work(n - 1), by any thread in any order; all done on return
//   sum(n, cell, value)   value(0) + .. + value(n - 1), known to all; `cell` is shared memory
//   list(n, cell, bits_of, use)
//                         use(i, bit, place) for every bit of every word bits_of(i); places are 0,
//                         1, .. in any order, and `cell`, in shared memory, becomes their number
//   count_up(cell)        inside each(): adds 1 to an integer in shared memory
//   flip(word, bits)      inside each(): flips bits of a word that others may be flipping
//   size()                threads
//
// Sums are of integers: order cannot change them.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define MOE_TEAM __device__ __forceinline__
#define MOE_UNROLL _Pragma("unroll")
#else
#define MOE_TEAM inline
#define MOE_UNROLL
#endif

namespace moe::cuda {

#if defined(__CUDACC__) || defined(MOE_EMULATED_GPU)
template <int kThreads>
struct BlockTeam {
  __device__ __forceinline__ constexpr int size() const { return kThreads; }

  template <class Work>
  __device__ __forceinline__ void each(int count, Work work) const {
    for (int i = threadIdx.x; i < count; i += kThreads) work(i);
    __syncthreads();
  }

  /// Sum: int or unsigned long long, which the hardware adds atomically.
  template <class Sum, class Value>
  __device__ __forceinline__ Sum sum(int count, Sum& cell, Value value) const {
    if (threadIdx.x == 0) cell = 0;
    Sum own = 0;
    for (int i = threadIdx.x; i < count; i += kThreads) own += value(i);
#pragma unroll
    for (int half = 16; half > 0; half /= 2) own += __shfl_xor_sync(0xffffffffu, own, half);
    __syncthreads();
    if (threadIdx.x % 32 == 0) atomicAdd(&cell, own);
    __syncthreads();
    const Sum total = cell;
    __syncthreads();  // before somebody clears it again
    return total;
  }

  template <class BitsOf, class Use>
  __device__ __forceinline__ void list(int count, int& cell, BitsOf bits_of, Use use) const {
    if (threadIdx.x == 0) cell = 0;
    __syncthreads();
    const int lane = threadIdx.x % 32;
    for (int first = threadIdx.x - lane; first < count; first += kThreads) {
      std::uint32_t bits = first + lane < count ? bits_of(first + lane) : 0u;
      const int own = __popc(bits);
      int through = own;  // of the lanes up to this one
#pragma unroll
      for (int step = 1; step < 32; step *= 2) {
        const int below = __shfl_up_sync(0xffffffffu, through, step);
        if (lane >= step) through += below;
      }
      int place = 0;
      if (lane == 31) place = atomicAdd(&cell, through);
      place = __shfl_sync(0xffffffffu, place, 31) + through - own;
      for (; bits != 0; bits &= bits - 1) {
        use(first + lane, __popc((bits & (0u - bits)) - 1), place++);
      }
    }
    __syncthreads();
  }

  __device__ __forceinline__ void count_up(int& cell) const {
    atomicAdd(&cell, 1);
  }
  __device__ __forceinline__ void flip(std::uint32_t& word, std::uint32_t bits) const {
    atomicXor(&word, bits);
  }
};
#endif

}  // namespace moe::cuda
