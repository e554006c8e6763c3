// --device to a Device.
#pragma once

#include <memory>
#include <string>

#include "moe/device.h"

namespace moe::programs {

/// "auto" is the first GPU if there is one, else the CPU. Throws Error{usage} or Error{device}.
std::unique_ptr<Device> open_device(const std::string& flag);

}  // namespace moe::programs
