// The list of implementations and devices of this build.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "moe/variant.h"

namespace moe {

/// Implementations for one kind of device, in the order of tables. Pointers live as long as the
/// program.
std::vector<const Variant*> variants(DeviceKind kind);

/// Null when there is none of that name.
const Variant* find_variant(DeviceKind kind, std::string_view name);

/// Devices of one kind that this machine has, usable or not (Device::unusable_reason()); none is an
/// empty list.
std::vector<std::unique_ptr<Device>> devices(DeviceKind kind);

/// Why devices(kind) is empty: not built, no driver, no GPU.
std::string no_device_reason(DeviceKind kind);

}  // namespace moe
