// Contract of the seeded fill: the numbers of core/random.h, made where they are needed.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "core/random.h"
#include "moe/tensor.h"

namespace moe::cuda {

/// tensor[i] = deviation * random_normal(seed, numbers, i), bit for bit what fill_normal of
/// core/seeded.h writes on the host. f32, bf16 or f16 in device memory.
void random_fill(TensorView tensor, std::uint64_t seed, RandomStream numbers, float deviation,
                 cudaStream_t stream);

}  // namespace moe::cuda
