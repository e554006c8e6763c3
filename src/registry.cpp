// The composition root: the only file that knows every backend.
#include "moe/registry.h"

#include "cpu/device.h"
#include "cpu/experts.h"

namespace moe {

std::vector<const Variant*> variants(DeviceKind kind) {
  if (kind == DeviceKind::cpu) return cpu::cpu_variants();
  return {};
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
  return found;
}

std::string no_device_reason(DeviceKind kind) {
  return kind == DeviceKind::cpu ? "" : "this build has no CUDA backend";
}

}  // namespace moe
