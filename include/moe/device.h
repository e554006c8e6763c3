// Devices: what they are (traits), the memory and stream that a caller lends to a layer, and the
// few operations that a harness needs of one (allocate, fill, copy, multiply, time, capture). No
// backend header is needed here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moe/dtype.h"
#include "moe/error.h"
#include "moe/tensor.h"

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
  std::string driver;                  // of a GPU: "CUDA 13.0"; empty on the CPU
};

/// "8.6" of 86.
inline std::string capability_text(int compute_capability) {
  return std::to_string(compute_capability / 10) + "." + std::to_string(compute_capability % 10);
}

/// What a device says of its own state at one moment: clocks drift under sustained load, so times
/// are only comparable at like clocks. 0 or empty = unknown.
struct DeviceConditions {
  double core_mhz = 0, memory_mhz = 0;
  double power_w = 0, temperature_c = 0;
  std::string throttled;  // why clocks are lowered: "power cap", "thermal"; empty = they are not
};

/// Elements of a tensor that are NaN or infinite.
struct NotFinite {
  std::int64_t count = 0;
  std::int64_t first = 0;  // index of the first; meaningless without any
};

/// Rates that this very device reached a moment ago, the reference for "% of the measured ceiling".
struct Ceilings {
  double gemm_flops_per_s = 0;  // one large square GEMM; 0 = this device has none in that type
  double copy_bytes_per_s = 0;  // bytes read + bytes written of a large copy
};

/// C[i] = A[i] B[i] for i < batch: row-major matrices in device memory, one behind the other.
struct BatchedProduct {
  std::int64_t batch = 1, m = 0, n = 0, k = 0;
  DType dtype = DType::bf16;
  const void* a = nullptr;  // [batch, m, k], or [batch, k, m] with transposed_a
  const void* b = nullptr;  // [batch, k, n], or [batch, n, k] with transposed_b
  void* c = nullptr;        // [batch, m, n]
  bool transposed_a = false, transposed_b = false;
  Memory scratch;  // of DeviceTraits::gemm_scratch_bytes
};

/// Work that a device captured once and replays with a single call.
class Graph {
 public:
  virtual ~Graph() = default;
  /// Puts the captured work on the device's stream, with the pointers that it was captured with.
  virtual void replay() = 0;
};

/// Points in time of a device's stream; reading them waits until the last has passed.
class Stopwatch {
 public:
  virtual ~Stopwatch() = default;
  virtual void mark() = 0;
  /// Seconds from each mark to the next.
  virtual std::vector<double> laps() = 0;
};

/// One device as the harness sees it. Implementations live in the backends; devices() lists them.
class Device {
 public:
  virtual ~Device() = default;

  virtual DeviceId id() const = 0;
  virtual const DeviceTraits& traits() const = 0;
  /// Why this build cannot use the device: it is too old, or nothing was compiled for it. Empty =
  /// it can. Unlike traits() this may start the device.
  virtual std::string unusable_reason() { return {}; }
  virtual std::size_t free_bytes() const = 0;
  /// Whether its memory is the host's: then pointers may be read without a copy.
  virtual bool memory_is_host() const { return id().kind == DeviceKind::cpu; }

  /// Throws Error{out_of_memory}. Contents are undefined.
  virtual Memory allocate(std::size_t bytes) = 0;
  virtual void release(Memory memory) noexcept = 0;
  virtual void copy_to_host(void* host, const void* device, std::size_t bytes) = 0;
  virtual void copy_from_host(void* device, const void* host, std::size_t bytes) = 0;
  /// Sets every byte; 0xff poisons floats with NaN.
  virtual void fill_bytes(Memory memory, unsigned char value) = 0;
  /// deviation * N(0, 1) into f32, bf16 or f16 device memory: number i depends on (seed, sequence,
  /// i) alone, with the same bits on every device.
  virtual void fill_normal(TensorView tensor, std::uint64_t seed, std::uint32_t sequence,
                           float deviation) = 0;
  virtual NotFinite find_not_finite(TensorView tensor) = 0;

  /// Whether multiply() works: the device's GEMM library has batched products.
  virtual bool has_batched_products() const { return false; }
  /// Puts the products on stream(), by the library's default heuristic.
  virtual void multiply(const BatchedProduct&) {
    throw Error(ErrorKind::internal, "this device has no batched products");
  }

  virtual Stream stream() = 0;
  virtual void synchronize() = 0;
  /// Seconds between the start of `work` and the end of everything it put on stream().
  virtual double time(const std::function<void()>& work) = 0;
  virtual std::unique_ptr<Stopwatch> make_stopwatch() = 0;
  /// Records what `work` puts on stream(), without running it. Null: this device has no graphs.
  /// Throws Error{device} when a call in `work` cannot be captured.
  virtual std::unique_ptr<Graph> capture(const std::function<void()>& work) {
    static_cast<void>(work);
    return nullptr;
  }
  virtual Ceilings measure_ceilings(DType dtype) = 0;

  /// Empty where nobody can say.
  virtual std::optional<DeviceConditions> conditions() { return {}; }
  /// Names what follows for a profiler's timeline, until the matching end_range().
  virtual void begin_range(std::string_view name) { static_cast<void>(name); }
  virtual void end_range() {}
  /// Switches an attached profiler's collection on or off.
  virtual void set_profiling(bool on) { static_cast<void>(on); }
};

}  // namespace moe
