// Reasons for having no GPU.
#include "cuda/device/availability.h"

#include <cstdlib>

#include "cuda/runtime/capability.h"
#include "moe/device.h"

namespace moe::cuda {

std::string reason_against_gpu(int compute_capability, bool has_code) {
  const std::string own = capability_text(compute_capability);
  if (compute_capability < kOldestCapability) {
    return "compute capability " + own + " has no bfloat16 arithmetic; " +
           capability_text(kOldestCapability) + " or newer is needed";
  }
  if (has_code) return {};
  return "this build has no code for compute capability " + own +
         "; configure with -DCMAKE_CUDA_ARCHITECTURES=" + std::to_string(compute_capability);
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string reason_without_device(cudaError_t error, int driver_version, int runtime_version,
                                  const char* visible_devices) {
  if (driver_version == 0) return "no NVIDIA driver was found on this machine";
  if (error == cudaErrorInsufficientDriver) {
    return "the NVIDIA driver is too old: it supports CUDA " + version_text(driver_version) +
           ", this build needs CUDA " + version_text(runtime_version);
  }
  if (error == cudaSuccess || error == cudaErrorNoDevice) {
    if (visible_devices == nullptr) return "the NVIDIA driver sees no GPU";
    return "no GPU is visible: CUDA_VISIBLE_DEVICES is '" + std::string(visible_devices) + "'";
  }
  return "the CUDA driver does not start: " + std::string(cudaGetErrorString(error));
}

Availability find_devices() {
  Availability found;
  const cudaError_t error = cudaGetDeviceCount(&found.num_devices);
  if (error == cudaSuccess && found.num_devices > 0) return found;
  cudaGetLastError();  // this is no error of the call that comes next
  int driver_version = 0, runtime_version = 0;
  if (cudaDriverGetVersion(&driver_version) != cudaSuccess) driver_version = 0;
  if (cudaRuntimeGetVersion(&runtime_version) != cudaSuccess) runtime_version = CUDART_VERSION;
  found.num_devices = 0;
  found.reason = reason_without_device(error, driver_version, runtime_version,
                                       std::getenv("CUDA_VISIBLE_DEVICES"));
  return found;
}

}  // namespace moe::cuda
