// Memory that the kernels of each variant want beside the tensors of its algorithm.
#pragma once

#include "plan/algorithms.h"

namespace moe::cuda {

/// Of kernels that every GPU runs: `vanilla`'s.
plan::KernelScratch any_gpu_scratch(const Request& request, const DeviceTraits& traits);
plan::KernelScratch grouped_gemm_scratch(const Request& request, const DeviceTraits& traits);
plan::KernelScratch sonic_scratch(const Request& request, const DeviceTraits& traits);

}  // namespace moe::cuda
