// Row counts per expert that break tilings, and what GPU tests need to know of the machine.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gpu.h"

namespace moe::tests {

struct Counts {
  std::string name;
  std::vector<int> rows;
};

inline std::vector<Counts> row_counts() {
  return {{"one_expert", {256}},
          {"tails", {0, 1, 63, 64, 65, 127, 128, 129, 0, 255, 257, 300}},
          {"all_on_one", {0, 0, 700, 0}},
          {"no_rows_at_all", {0, 0}},
          {"many_experts", std::vector<int>(70, 33)}};
}

inline std::vector<int> offsets_of(const Counts& counts) {
  std::vector<int> offsets = {0};
  for (int count : counts.rows) offsets.push_back(offsets.back() + count);
  return offsets;
}

inline int multiprocessors() {
  int count = 0;
  cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, 0);
  return count;
}

}  // namespace moe::tests
