// Contract of a routing that sends every token to one expert with score 1: how the shared expert
// runs on the kernels of routed experts.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace moe::cuda {

/// offsets [2] = {0, T}, row_tokens [T] = 0, 1, ..., row_scores [T] = 1. Device memory.
void fill_all_tokens(int* offsets, int* row_tokens, float* row_scores, std::int64_t tokens,
                     cudaStream_t stream);

}  // namespace moe::cuda
