// Choice of a device among those of the registry.
#include "cli/devices.h"

#include <vector>

#include "moe/error.h"
#include "moe/registry.h"

namespace moe::programs {
namespace {

std::unique_ptr<Device> open_cuda(const std::string& flag) {
  std::size_t index = 0;
  if (flag.size() > 4) {
    const std::string digits = flag.substr(5);
    if (flag[4] != ':' || digits.empty() || digits.size() > 4 ||
        digits.find_first_not_of("0123456789") != std::string::npos) {
      throw Error(ErrorKind::usage, "unknown device '" + flag + "'", "",
                  "write cpu, cuda or cuda:0");
    }
    index = std::stoul(digits);
  }
  auto gpus = devices(DeviceKind::cuda);
  if (gpus.empty()) {
    throw Error(ErrorKind::device, "no GPU can be used", no_device_reason(DeviceKind::cuda),
                "run on the CPU with --device cpu");
  }
  if (index >= gpus.size()) {
    throw Error(ErrorKind::device, "there is no " + flag,
                std::to_string(gpus.size()) + " GPUs were found");
  }
  return std::move(gpus[index]);
}

}  // namespace

std::unique_ptr<Device> open_device(const std::string& flag) {
  if (flag == "auto") {
    auto gpus = devices(DeviceKind::cuda);
    if (!gpus.empty()) return std::move(gpus.front());
    return std::move(devices(DeviceKind::cpu).front());
  }
  if (flag == "cpu") return std::move(devices(DeviceKind::cpu).front());
  if (flag.rfind("cuda", 0) == 0) return open_cuda(flag);
  throw Error(ErrorKind::usage, "unknown device '" + flag + "'", "",
              "known: auto, cpu, cuda, cuda:0");
}

}  // namespace moe::programs
