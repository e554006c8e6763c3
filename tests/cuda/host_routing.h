// What a choice looks like to the device, made on the host.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/kernels/permute/build_rows.h"
#include "routing/routed.h"

namespace moe::tests {

/// Chunk masks as build_rows.h defines them.
inline std::vector<std::uint32_t> chunk_masks_of(const std::vector<std::int32_t>& experts,
                                                 std::int64_t tokens, const LayerConfig& config) {
  std::vector<std::uint32_t> masks(cuda::num_chunks(tokens) * config.num_experts);
  for (std::int64_t pair = 0; pair < tokens * config.top_k; ++pair) {
    const std::int64_t token = pair / config.top_k;
    masks[token / 32 * config.num_experts + experts[pair]] |= 1u << token % 32;
  }
  return masks;
}

inline std::vector<float> flat(const std::vector<routing::TokenNorm>& norms) {
  std::vector<float> values;
  for (const routing::TokenNorm& norm : norms) {
    values.push_back(norm.shift);
    values.push_back(norm.denominator);
  }
  return values;
}

}  // namespace moe::tests
