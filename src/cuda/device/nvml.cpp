// NVML's C interface by hand: a toolkit without its header can build this, and its ABI is stable.
#include "cuda/device/nvml.h"

#include <dlfcn.h>

namespace moe::cuda {
namespace {

constexpr int kSuccess = 0;
constexpr int kClockSm = 1, kClockMemory = 2;  // nvmlClockType_t
constexpr int kTemperatureGpu = 0;             // nvmlTemperatureSensors_t

}  // namespace

struct Nvml::Library {
  void* handle = nullptr;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*find_device)(const char* pci_bus_id, void** device) = nullptr;
  int (*clock)(void* device, int type, unsigned* mhz) = nullptr;
  int (*power)(void* device, unsigned* milliwatts) = nullptr;
  int (*temperature)(void* device, int sensor, unsigned* celsius) = nullptr;
  int (*throttle_reasons)(void* device, unsigned long long* reasons) = nullptr;
  int (*driver_version)(char* text, unsigned length) = nullptr;

  template <class Function>
  bool find(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(dlsym(handle, name));
    return function != nullptr;
  }

  bool load() {
    handle = dlopen("libnvidia-ml.so.1", RTLD_LAZY | RTLD_LOCAL);
    return handle != nullptr && find(init, "nvmlInit_v2") && find(shutdown, "nvmlShutdown") &&
           find(find_device, "nvmlDeviceGetHandleByPciBusId_v2") &&
           find(clock, "nvmlDeviceGetClockInfo") && find(power, "nvmlDeviceGetPowerUsage") &&
           find(temperature, "nvmlDeviceGetTemperature") &&
           find(throttle_reasons, "nvmlDeviceGetCurrentClocksThrottleReasons") &&
           find(driver_version, "nvmlSystemGetDriverVersion");
  }

  ~Library() {
    if (handle != nullptr) dlclose(handle);
  }
};

Nvml::Nvml() : library_(std::make_unique<Library>()) {}

std::unique_ptr<Nvml> Nvml::open(const std::string& pci_bus_id) {
  std::unique_ptr<Nvml> nvml(new Nvml);
  if (!nvml->library_->load() || nvml->library_->init() != kSuccess) return nullptr;
  const int status = nvml->library_->find_device(pci_bus_id.c_str(), &nvml->device_);
  if (status == kSuccess) return nvml;
  nvml->library_->shutdown();
  return nullptr;
}

Nvml::~Nvml() {
  if (device_ != nullptr) library_->shutdown();
}

DeviceConditions Nvml::conditions() const {
  DeviceConditions conditions;
  unsigned value = 0;
  if (library_->clock(device_, kClockSm, &value) == kSuccess) conditions.core_mhz = value;
  if (library_->clock(device_, kClockMemory, &value) == kSuccess) conditions.memory_mhz = value;
  if (library_->power(device_, &value) == kSuccess) conditions.power_w = 1e-3 * value;
  if (library_->temperature(device_, kTemperatureGpu, &value) == kSuccess)
    conditions.temperature_c = value;
  unsigned long long reasons = 0;
  if (library_->throttle_reasons(device_, &reasons) == kSuccess)
    conditions.throttled = throttle_text(reasons);
  return conditions;
}

std::string Nvml::driver_version() const {
  char text[80] = {};
  return library_->driver_version(text, sizeof text) == kSuccess ? text : "";
}

std::string throttle_text(unsigned long long reasons) {
  constexpr struct {
    unsigned long long bit;
    const char* words;
  } kReasons[] = {{0x04, "power cap"},
                  {0x08, "hardware slowdown"},
                  {0x20, "thermal"},
                  {0x40, "thermal (hardware)"},
                  {0x80, "power brake"}};
  std::string text;
  for (const auto& [bit, words] : kReasons) {
    if (reasons & bit) text += (text.empty() ? "" : ", ") + std::string(words);
  }
  return text;
}

}  // namespace moe::cuda
