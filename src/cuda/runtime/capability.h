// Compute capabilities that decide what runs, as 10 * major + minor.
#pragma once

namespace moe::cuda {

inline constexpr int kOldestCapability = 80;  // Ampere: the first with bfloat16 arithmetic
inline constexpr int kHopperCapability = 90;  // wgmma and the copy engine as kernels/gemm use them

}  // namespace moe::cuda
