// Memory from the C++ heap, wall-clock time, ceilings from one large product and one large copy.
#include "cpu/device.h"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <new>
#include <string>

#include "core/seeded.h"
#include "cpu/gemm.h"
#include "moe/error.h"

namespace moe::cpu {
namespace {

constexpr std::size_t kAlignment = 64;           // a cache line and an AVX-512 vector
constexpr std::int64_t kGatherBlockRows = 1024;  // blocks of 1024 rows keep oneDNN at full speed
constexpr std::size_t kGemmScratchBytes = 16 * 1024 * 1024;  // repacking buffers of ordinary shapes
constexpr std::int64_t kCeilingDim = 2048;                   // square GEMM: 17 GFLOP
constexpr std::size_t kCeilingCopyBytes = 256 * 1024 * 1024;

/// Value of the first line "key ...: value" of a /proc file; empty if there is none.
std::string proc_value(const char* file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (line.rfind(key, 0) != 0) continue;
    const auto colon = line.find(':');
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return {};
}

std::size_t meminfo_bytes(const std::string& key) {
  const std::string value = proc_value("/proc/meminfo", key);
  return value.empty() ? 0 : std::stoull(value) * 1024;
}

DeviceTraits read_traits() {
  const std::string flags = proc_value("/proc/cpuinfo", "flags");
  DeviceTraits traits;
  traits.kind = DeviceKind::cpu;
  traits.name = proc_value("/proc/cpuinfo", "model name");
  if (traits.name.empty()) traits.name = "CPU";
  traits.num_cores = omp_get_max_threads();
  traits.memory_bytes = meminfo_bytes("MemTotal");
  traits.alignment = kAlignment;
  traits.gather_block_rows = kGatherBlockRows;
  traits.gemm_scratch_bytes = kGemmScratchBytes;
  traits.gemm_library = gemm_library_name();
  traits.has_bf16 =
      flags.find("avx512_bf16") != std::string::npos || flags.find("amx_bf16") != std::string::npos;
  return traits;
}

template <class Element>
NotFinite find_in(const Element* values, std::int64_t count) {
  NotFinite found;
  for (std::int64_t i = count - 1; i >= 0; --i) {
    if (std::isfinite(static_cast<float>(values[i]))) continue;
    ++found.count;
    found.first = i;
  }
  return found;
}

NotFinite find_not_finite(TensorView tensor) {
  if (tensor.dtype == DType::bf16) return find_in(tensor.as<bfloat16>(), tensor.size());
  if (tensor.dtype == DType::f16) return find_in(tensor.as<float16>(), tensor.size());
  if (tensor.dtype == DType::f32) return find_in(tensor.as<float>(), tensor.size());
  throw Error(ErrorKind::internal, "find_not_finite: no " + std::string(name_of(tensor.dtype)));
}

class WallClock final : public Stopwatch {
 public:
  void mark() override { marks_.push_back(std::chrono::steady_clock::now()); }
  std::vector<double> laps() override {
    std::vector<double> seconds;
    for (std::size_t i = 1; i < marks_.size(); ++i)
      seconds.push_back(std::chrono::duration<double>(marks_[i] - marks_[i - 1]).count());
    return seconds;
  }

 private:
  std::vector<std::chrono::steady_clock::time_point> marks_;
};

class CpuDevice final : public Device {
 public:
  CpuDevice() : traits_(read_traits()) {}

  DeviceId id() const override { return {DeviceKind::cpu, 0}; }
  const DeviceTraits& traits() const override { return traits_; }
  std::size_t free_bytes() const override { return meminfo_bytes("MemAvailable"); }

  Memory allocate(std::size_t bytes) override {
    void* data = ::operator new (std::max<std::size_t>(bytes, 1), std::align_val_t{kAlignment},
                                 std::nothrow);
    if (data == nullptr) {
      throw Error(ErrorKind::out_of_memory, "cannot allocate " + std::to_string(bytes) + " bytes",
                  "the system refused", "use fewer tokens or a smaller configuration");
    }
    return {static_cast<std::byte*>(data), bytes};
  }
  void release(Memory memory) noexcept override {
    ::operator delete (memory.data, std::align_val_t{kAlignment});
  }
  void copy_to_host(void* host, const void* device, std::size_t bytes) override {
    std::memcpy(host, device, bytes);
  }
  void copy_from_host(void* device, const void* host, std::size_t bytes) override {
    std::memcpy(device, host, bytes);
  }
  void fill_bytes(Memory memory, unsigned char value) override {
    std::memset(memory.data, value, memory.bytes);
  }
  void fill_normal(TensorView tensor, std::uint64_t seed, std::uint32_t sequence,
                   float deviation) override {
    moe::fill_normal(tensor, seed, static_cast<RandomStream>(sequence), deviation);
  }

  NotFinite find_not_finite(TensorView tensor) override { return cpu::find_not_finite(tensor); }

  Stream stream() override { return {id(), nullptr}; }
  void synchronize() override {}
  double time(const std::function<void()>& work) override {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  std::unique_ptr<Stopwatch> make_stopwatch() override { return std::make_unique<WallClock>(); }
  /// No ceiling of products where this processor cannot multiply the type.
  Ceilings measure_ceilings(DType dtype) override {
    const bool multiplies = dtype != DType::bf16 || traits().has_bf16;
    return {multiplies ? gemm_ceiling(dtype) : 0, copy_ceiling()};
  }

 private:
  double gemm_ceiling(DType dtype) {
    const std::int64_t dim = kCeilingDim;
    const std::size_t bytes = static_cast<std::size_t>(dim * dim) * size_of(dtype);
    const Memory a = allocate(bytes), b = allocate(bytes), c = allocate(bytes);
    const Memory scratch = allocate(kGemmScratchBytes);
    const TensorView a_view(a.data, dtype, {dim, dim}), b_view(b.data, dtype, {dim, dim});
    moe::fill_normal(a_view, 1, RandomStream::tests, 1.0f);
    moe::fill_normal(b_view, 2, RandomStream::tests, 1.0f);
    Gemm gemm;
    double best = 1e300;
    for (int repeat = 0; repeat < 5; ++repeat) {
      best = std::min(best, time([&] {
                        gemm(matrix_rows(a_view, 0, dim, dim),
                             transposed(matrix_rows(b_view, 0, dim, dim)),
                             matrix_rows({c.data, dtype, {dim, dim}}, 0, dim, dim),
                             Accumulate::overwrite, scratch);
                      }));
    }
    for (Memory memory : {a, b, c, scratch}) release(memory);
    return 2.0 * static_cast<double>(dim) * dim * dim / best;
  }

  double copy_ceiling() {
    const Memory from = allocate(kCeilingCopyBytes), to = allocate(kCeilingCopyBytes);
    fill_bytes(from, 1);
    const std::int64_t chunk = 1 << 20,
                       chunks = static_cast<std::int64_t>(kCeilingCopyBytes) / chunk;
    double best = 1e300;
    for (int repeat = 0; repeat < 4; ++repeat) {
      best = std::min(best, time([&] {
#pragma omp parallel for schedule(static)
                        for (std::int64_t i = 0; i < chunks; ++i)
                          std::memcpy(to.data + i * chunk, from.data + i * chunk, chunk);
                      }));
    }
    release(from);
    release(to);
    return 2.0 * static_cast<double>(kCeilingCopyBytes) / best;
  }

  DeviceTraits traits_;
};

}  // namespace

std::unique_ptr<Device> make_cpu_device() {
  return std::make_unique<CpuDevice>();
}

}  // namespace moe::cpu
