// The composition root: the only file that knows every backend.
#include "moe/registry.h"

#include "cpu/device.h"
#include "cpu/experts.h"
#if defined(MOE_WITH_CUDA)
#include "cuda/device/device.h"
#include "cuda/variants/variants.h"
#endif

namespace moe {

std::vector<const Variant*> variants(DeviceKind kind) {
  if (kind == DeviceKind::cpu) return cpu::cpu_variants();
#if defined(MOE_WITH_CUDA)
  return cuda::cuda_variants();
#else
  return {};
#endif
}

const Variant* find_variant(DeviceKind kind, std::string_view name) {
  for (const Variant* variant : variants(kind)) {
    if (variant->name() == name) return variant;
  }
  return nullptr;
}

std::vector<std::unique_ptr<Device>> devices(DeviceKind kind) {
  std::vector<std::unique_ptr<Device>> found;
  if (kind == DeviceKind::cpu) found.push_back(cpu::make_cpu_device());
#if defined(MOE_WITH_CUDA)
  if (kind == DeviceKind::cuda) found = cuda::make_cuda_devices();
#endif
  return found;
}

std::string no_device_reason(DeviceKind kind) {
  if (kind == DeviceKind::cpu) return {};
#if defined(MOE_WITH_CUDA)
  return cuda::no_cuda_reason();
#else
  return "this build has no CUDA backend (nvcc was not found when it was configured)";
#endif
}

}  // namespace moe
