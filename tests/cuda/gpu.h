// The GPU that tests run on, and what they ask of it.
#pragma once

#include <string>

#include "cuda/device/device.h"
#include "cuda/runtime/capability.h"

namespace moe::tests {

#if defined(MOE_EMULATED_GPU)

/// tests/cuda/emulated: it can all that tests of row kernels ask for.
inline constexpr bool kIsEmulated = true;

inline std::string no_gpu_reason() {
  return "";
}

#else

inline constexpr bool kIsEmulated = false;

/// The first GPU, or null.
inline Device* first_gpu() {
  static const auto gpus = cuda::make_cuda_devices();
  return gpus.empty() ? nullptr : gpus.front().get();
}

/// Why tests of the kernels that every GPU runs are skipped; empty = they run.
inline const std::string& no_gpu_reason() {
  static const std::string reason =
      first_gpu() == nullptr ? cuda::no_cuda_reason() : first_gpu()->unusable_reason();
  return reason;
}

/// The same of the Hopper kernels.
inline std::string no_hopper_reason() {
  if (!no_gpu_reason().empty()) return no_gpu_reason();
  const bool is_hopper = first_gpu()->traits().compute_capability == cuda::kHopperCapability;
  return is_hopper ? "" : "no Hopper GPU";
}

#endif

}  // namespace moe::tests
