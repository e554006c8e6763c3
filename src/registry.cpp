// The composition root: the only file that knows every backend.
#include "moe/registry.h"

#include "cpu/device.h"
#include "cpu/experts.h"
#if defined(MOE_WITH_CUDA)
#include "cuda/device/device.h"
#include "cuda/variants/variants.h"
#endif
#if defined(MOE_WITH_TORCH)
#include "torch/variants.h"
#endif

namespace moe {

namespace {

/// Of the backend itself.
std::vector<const Variant*> own_variants(DeviceKind kind) {
  if (kind == DeviceKind::cpu) return cpu::cpu_variants();
#if defined(MOE_WITH_CUDA)
  return cuda::cuda_variants();
#else
  return {};
#endif
}

}  // namespace

std::vector<const Variant*> variants(DeviceKind kind) {
  std::vector<const Variant*> all = own_variants(kind);
#if defined(MOE_WITH_TORCH)
  if (all.empty()) return all;  // no backend has such a device
  const std::vector<const Variant*> in_torch = torch_rows::torch_variants();
  all.insert(all.end(), in_torch.begin(), in_torch.end());
#endif
  return all;
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
