// A bias per column on accumulators of wgmma, before they are rounded.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "cuda/ptx/warp.cuh"

namespace moe::cuda {

/// To 64 rows x 64 columns (32 values of this thread: of every 8 columns two neighbouring ones, in
/// two rows) adds bias[0 .. columns), alike in all rows. columns: a multiple of 8; further columns
/// are left as they are.
__device__ __forceinline__ void add_column_bias(float* d, const __nv_bfloat16* bias, int columns,
                                                int thread) {
#pragma unroll
  for (int group = 0; group < 8; ++group) {
    if (8 * group >= columns) continue;
    const auto pair = *reinterpret_cast<const std::uint32_t*>(bias + 8 * group + 2 * (thread % 4));
    const float even = ptx::low_of_bf16(pair), odd = ptx::high_of_bf16(pair);
    d[4 * group] += even;
    d[4 * group + 1] += odd;
    d[4 * group + 2] += even;
    d[4 * group + 3] += odd;
  }
}

}  // namespace moe::cuda
