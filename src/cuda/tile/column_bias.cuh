// A bias per column on accumulators of wgmma, before they are rounded.
#pragma once

#include <cstdint>

#include "cuda/ptx/pair.cuh"

namespace moe::cuda {

/// bias[0] and bias[stride].
template <class Element>
__device__ __forceinline__ float2 load_bias_pair(const Element* bias, int stride) {
  if (stride != 1) return {static_cast<float>(bias[0]), static_cast<float>(bias[stride])};
  const auto pair = *reinterpret_cast<const std::uint32_t*>(bias);
  return {ptx::low_of<Element>(pair), ptx::high_of<Element>(pair)};
}

/// To 64 rows x 64 columns (32 values of this thread: of every 8 columns two neighbouring ones, in
/// two rows) adds bias[stride * column] for columns below `columns`, alike in all rows. columns: a
/// multiple of 8; further columns are left as they are.
template <class Element>
__device__ __forceinline__ void add_column_bias(float* d, const Element* bias, int columns,
                                                int thread, int stride = 1) {
#pragma unroll
  for (int group = 0; group < 8; ++group) {
    if (8 * group >= columns) continue;
    const int column = 8 * group + 2 * (thread % 4);
    const float2 pair = load_bias_pair(bias + stride * column, stride);
    d[4 * group] += pair.x;
    d[4 * group + 1] += pair.y;
    d[4 * group + 2] += pair.x;
    d[4 * group + 3] += pair.y;
  }
}

}  // namespace moe::cuda
