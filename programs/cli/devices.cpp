// Choice of a device among those of the registry.
#include "cli/devices.h"

#include <iostream>
#include <vector>

#include "moe/error.h"
#include "moe/registry.h"

namespace moe::programs {
namespace {

std::string name_of_gpu(const Device& gpu) {
  return "cuda:" + std::to_string(gpu.id().index) + " (" + gpu.traits().name + ")";
}

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
  const std::string reason = gpus[index]->unusable_reason();
  if (reason.empty()) return std::move(gpus[index]);
  throw Error(ErrorKind::device, name_of_gpu(*gpus[index]) + " cannot be used", reason,
              "run on the CPU with --device cpu");
}

/// The first GPU that can be used, else the CPU; says which it left out.
std::unique_ptr<Device> open_auto() {
  for (auto& gpu : devices(DeviceKind::cuda)) {
    const std::string reason = gpu->unusable_reason();
    if (reason.empty()) return std::move(gpu);
    std::cerr << name_of_gpu(*gpu) << " is left out: " << reason << '\n';
  }
  return std::move(devices(DeviceKind::cpu).front());
}

}  // namespace

std::unique_ptr<Device> open_device(const std::string& flag) {
  if (flag == "auto") return open_auto();
  if (flag == "cpu") return std::move(devices(DeviceKind::cpu).front());
  if (flag.rfind("cuda", 0) == 0) return open_cuda(flag);
  throw Error(ErrorKind::usage, "unknown device '" + flag + "'", "",
              "known: auto, cpu, cuda, cuda:0");
}

}  // namespace moe::programs
