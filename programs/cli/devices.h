// --device to a Device.
#pragma once

#include <memory>
#include <string>

#include "moe/device.h"

namespace moe::programs {

/// "auto" is the first GPU that this build can use, else the CPU; GPUs left out are named on
/// stderr. Throws Error{usage} or Error{device}.
std::unique_ptr<Device> open_device(const std::string& flag);

}  // namespace moe::programs
