// Clocks, power, temperature and throttling of a GPU through NVML, loaded at run time: a machine
// without it only knows less.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "moe/device.h"

namespace moe::cuda {

/// One GPU as NVML sees it.
class Nvml {
 public:
  /// `pci_bus_id` as cudaDeviceGetPCIBusId writes it. Null when libnvidia-ml.so.1 or the GPU is not
  /// to be had there.
  static std::unique_ptr<Nvml> open(const std::string& pci_bus_id);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  /// What NVML does not answer stays 0 or empty.
  DeviceConditions conditions() const;
  /// "580.65.06", or empty.
  std::string driver_version() const;

 private:
  struct Library;
  Nvml();

  std::unique_ptr<Library> library_;
  void* device_ = nullptr;
};

/// NVML's bits of clock event reasons in words; idleness and settings of the user are none.
std::string throttle_text(unsigned long long reasons);

}  // namespace moe::cuda
