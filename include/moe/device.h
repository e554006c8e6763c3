// Devices: what they are (traits), the memory and stream that a caller lends to a layer, and the
// few operations that a harness needs of one (allocate, copy, wait, time). No backend header is
// needed here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "moe/dtype.h"

namespace moe {

enum class DeviceKind { cpu, cuda };

constexpr const char* name_of(DeviceKind kind) {
  return kind == DeviceKind::cpu ? "cpu" : "cuda";
}

struct DeviceId {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;
  bool operator==(const DeviceId&) const = default;
};

/// A borrowed stream: cudaStream_t on a GPU, null on the CPU.
struct Stream {
  DeviceId device;
  void* native = nullptr;
};

/// The caller's memory on one device, aligned to DeviceTraits::alignment.
struct Memory {
  std::byte* data = nullptr;
  std::size_t bytes = 0;
};

/// Everything about a device that a plan may depend on. A plain value: plans for absent devices are
/// possible.
struct DeviceTraits {
  DeviceKind kind = DeviceKind::cpu;
  std::string name;              // "AMD EPYC", "NVIDIA H200"
  int num_cores = 1;             // threads in use, or multiprocessors
  std::size_t memory_bytes = 0;  // physical, 0 = unknown
  std::size_t alignment = 64;    // of every buffer
  std::int64_t gather_block_rows =
      0;  // rows copied per gather where no kernel gathers by itself; 0 = none
  std::size_t gemm_scratch_bytes = 0;  // scratchpad lent to the device's GEMM library
  bool has_bf16 = false;               // bfloat16 matrix arithmetic in hardware
  int compute_capability = 0;          // of a GPU: 90 = 9.0, Hopper; 0 on the CPU
  std::string gemm_library;            // "oneDNN 2.6.3"
};

/// Rates that this very device reached a moment ago, the reference for "% of the measured ceiling".
struct Ceilings {
  double gemm_flops_per_s = 0;  // one large square GEMM
  double copy_bytes_per_s = 0;  // bytes read + bytes written of a large copy
};

/// One device as the harness sees it. Implementations live in the backends; devices() lists them.
class Device {
 public:
  virtual ~Device() = default;

  virtual DeviceId id() const = 0;
  virtual const DeviceTraits& traits() const = 0;
  virtual std::size_t free_bytes() const = 0;

  /// Throws Error{out_of_memory}. Contents are undefined.
  virtual Memory allocate(std::size_t bytes) = 0;
  virtual void release(Memory memory) noexcept = 0;
  virtual void copy_to_host(void* host, const void* device, std::size_t bytes) = 0;
  virtual void copy_from_host(void* device, const void* host, std::size_t bytes) = 0;
  /// Sets every byte; 0xff poisons floats with NaN.
  virtual void fill_bytes(Memory memory, unsigned char value) = 0;

  virtual Stream stream() = 0;
  virtual void synchronize() = 0;
  /// Seconds between the start of `work` and the end of everything it put on stream().
  virtual double time(const std::function<void()>& work) = 0;
  virtual Ceilings measure_ceilings(DType dtype) = 0;
};

}  // namespace moe
