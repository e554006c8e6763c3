// Contract of the search for NaN and infinity, where copying a tensor to the host would take longer
// than computing it.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "moe/tensor.h"

namespace moe::cuda {

/// Adds to *count the elements that are not finite, and lowers *first to the index of the first.
/// f32, bf16 or f16; all pointers are device memory, count and first set by the caller.
void find_not_finite(TensorView tensor, unsigned long long* count, unsigned long long* first,
                     cudaStream_t stream);

}  // namespace moe::cuda
