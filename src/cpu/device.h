// The CPU as a Device.
#pragma once

#include <memory>

#include "moe/device.h"

namespace moe::cpu {

std::unique_ptr<Device> make_cpu_device();

}  // namespace moe::cpu
