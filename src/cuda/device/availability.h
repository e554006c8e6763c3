// Whether this machine has a GPU that this build can use, and if not, why not, in words for people.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

namespace moe::cuda {

struct Availability {
  int num_devices = 0;
  std::string reason;  // why there are none; empty if there are some
};

/// Never throws: a machine without a driver is an ordinary machine.
Availability find_devices();

/// A version as CUDA writes it: 12040 is "12.4".
std::string version_text(int version);

/// Why a GPU of that compute capability (86 = 8.6) is of no use, or empty. `has_code`: it can load
/// what this build compiled for all GPUs.
std::string reason_against_gpu(int compute_capability, bool has_code);

/// What cudaGetDeviceCount's `error` means. Versions as CUDA writes them: 12040 is 12.4; a driver
/// version of 0 is no driver. `visible_devices` is the value of CUDA_VISIBLE_DEVICES, or null.
std::string reason_without_device(cudaError_t error, int driver_version, int runtime_version,
                                  const char* visible_devices);

}  // namespace moe::cuda
