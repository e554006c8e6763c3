// GPUs as Devices.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "moe/device.h"

namespace moe::cuda {

/// Every GPU that the driver shows, in its order; empty if there is none. A GPU is not touched (no
/// context, no memory) before it is used.
std::vector<std::unique_ptr<Device>> make_cuda_devices();

/// Why make_cuda_devices() is empty: no driver, too old a driver, no GPU. Empty if it is not.
std::string no_cuda_reason();

}  // namespace moe::cuda
