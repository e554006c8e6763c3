// Traces from NumPy arrays: what other programs save of their routers.
#pragma once

#include <cstdint>
#include <filesystem>

#include "routing/trace.h"

namespace moe::measure {

/// .npy files of one layer, [T, K] and [T, E], or of several, [L, T, K] and [L, T, E]. An empty
/// path is an absent array.
struct TraceArrays {
  std::filesystem::path ids;     // integers; experts of each token
  std::filesystem::path scores;  // floats; their weights
  std::filesystem::path logits;  // floats; of all experts
};

/// `num_experts` may be 0 where logits tell it. Throws Error{usage} for files that cannot be read,
/// shapes that disagree, and whatever no trace may hold.
routing::Trace trace_from_arrays(const TraceArrays& arrays, std::int64_t num_experts);

}  // namespace moe::measure
