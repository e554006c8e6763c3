// Memory of a device, released when its owner goes.
#pragma once

#include <initializer_list>
#include <utility>

#include "moe/device.h"
#include "moe/tensor.h"

namespace moe::measure {

class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(Device& device, std::size_t bytes)
      : device_(&device), memory_(device.allocate(bytes)) {}
  ~DeviceBuffer() {
    if (device_ != nullptr) device_->release(memory_);
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept
      : device_(std::exchange(other.device_, nullptr)), memory_(std::exchange(other.memory_, {})) {}
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(memory_, other.memory_);
    return *this;
  }

  Memory memory() const { return memory_; }
  std::byte* data() const { return memory_.data; }

 private:
  Device* device_ = nullptr;
  Memory memory_;
};

}  // namespace moe::measure
