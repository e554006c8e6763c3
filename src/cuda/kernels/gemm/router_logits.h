// Contract of the router's product: tall and narrow, bound by reading X.
//
//   logits [T, E] = X W_router^T (+ b_router)           bfloat16 in, float32 out
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace moe::cuda {

struct RouterLogitsProblem {
  const void* x;         // [T, d]; d a multiple of 8
  const void* w_router;  // [E, d]
  const void* b_router;  // [E]; null = none
  float* logits;         // [T, E]
  std::int64_t tokens;   // below 2^31
  int num_experts, d;
};

void router_logits(const RouterLogitsProblem& problem, int num_multiprocessors,
                   cudaStream_t stream);

}  // namespace moe::cuda
