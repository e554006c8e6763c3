// The part of ptx/warp.cuh that row kernels use, without PTX.
#pragma once

#include "intrinsics.h"

namespace moe::cuda::ptx {

inline int uniform(int value) {
  return __shfl_sync(0xffffffffu, value, 0);
}

}  // namespace moe::cuda::ptx
