// Sixteen bytes of a row, the widest access of a thread, as floats: loads, stores, conversion.
// There is no streaming load: ld.global.cs cost 7 % of bandwidth on an H200, where streaming stores
// gain 1 %.
#pragma once

#include <cstdint>

#include "cuda/ptx/pair.cuh"

namespace moe::cuda {

template <class Element>
inline constexpr int kVectorSize = 16 / static_cast<int>(sizeof(Element));

/// Values of a vector.
template <class Element>
struct RowVector {
  float value[kVectorSize<Element>];
};

template <class Element>
__device__ __forceinline__ uint4 load_vector(const Element* at) {
  return *reinterpret_cast<const uint4*>(at);
}

template <class Element>
__device__ __forceinline__ RowVector<Element> unpack(uint4 words) {
  const std::uint32_t word[4] = {words.x, words.y, words.z, words.w};
  RowVector<Element> vector;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if constexpr (sizeof(Element) == 2) {
      vector.value[2 * i] = ptx::low_of<Element>(word[i]);
      vector.value[2 * i + 1] = ptx::high_of<Element>(word[i]);
    } else {
      vector.value[i] = __uint_as_float(word[i]);
    }
  }
  return vector;
}

template <class Element>
__device__ __forceinline__ uint4 pack(const RowVector<Element>& vector) {
  std::uint32_t word[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if constexpr (sizeof(Element) == 2) {
      word[i] = ptx::pack<Element>(vector.value[2 * i], vector.value[2 * i + 1]);
    } else {
      word[i] = __float_as_uint(vector.value[i]);
    }
  }
  return {word[0], word[1], word[2], word[3]};
}

template <class Element>
__device__ __forceinline__ void store_vector(Element* at, const RowVector<Element>& vector) {
  *reinterpret_cast<uint4*>(at) = pack(vector);
}

template <class Element>
__device__ __forceinline__ void store_vector_streaming(Element* at,
                                                       const RowVector<Element>& vector) {
  __stcs(reinterpret_cast<uint4*>(at), pack(vector));
}

}  // namespace moe::cuda
