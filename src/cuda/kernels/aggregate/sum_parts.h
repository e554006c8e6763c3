// Contract of the last step of dS: sums that column tiles left apart become one per row.
//
//   sums[r] = parts[0][r] + parts[1][r] + ...          in that order
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace moe::cuda {

struct SumPartsProblem {
  const float* parts;         // [num_parts, max_rows]
  float* sums;                // [rows]
  const int* expert_offsets;  // [E + 1], device memory; rows = expert_offsets[E]
  int num_experts, num_parts;
  std::int64_t max_rows;
};

void sum_parts(const SumPartsProblem& problem, cudaStream_t stream);

}  // namespace moe::cuda
