// Memory from cudaMalloc, time from events on one stream of the device's own.
#include "cuda/device/device.h"

#include <cuda_profiler_api.h>
#include <nvtx3/nvToolsExt.h>

#include <optional>

#include "cuda/device/availability.h"
#include "cuda/device/ceilings.h"
#include "cuda/device/nvml.h"
#include "cuda/device/stopwatch.h"
#include "cuda/kernels/check/device_code.h"
#include "cuda/kernels/check/not_finite.h"
#include "cuda/kernels/fill/random_fill.h"
#include "cuda/runtime/blas.h"
#include "cuda/runtime/capability.h"
#include "cuda/runtime/event.h"
#include "cuda/runtime/graph.h"
#include "cuda/runtime/stream.h"

namespace moe::cuda {
namespace {

constexpr std::size_t kAlignment = 1024;             // of swizzled tiles
constexpr std::size_t kGemmScratchBytes = 32 << 20;  // what torch.bmm lends cuBLAS on Hopper
constexpr std::size_t kPageBytes = 2 << 20;          // whole pages are aligned to themselves

DeviceTraits read_traits(int index) {
  cudaDeviceProp properties{};
  MOE_CUDA_CHECK(cudaGetDeviceProperties(&properties, index));
  DeviceTraits traits;
  traits.kind = DeviceKind::cuda;
  traits.name = properties.name;
  traits.num_cores = properties.multiProcessorCount;
  traits.memory_bytes = properties.totalGlobalMem;
  traits.alignment = kAlignment;
  traits.gather_block_rows = 0;
  traits.gemm_scratch_bytes = kGemmScratchBytes;
  traits.compute_capability = 10 * properties.major + properties.minor;
  traits.has_bf16 = traits.compute_capability >= kOldestCapability;
  traits.gemm_library = blas_name();
  int driver_version = 0;
  if (cudaDriverGetVersion(&driver_version) == cudaSuccess)
    traits.driver = "CUDA " + version_text(driver_version);
  return traits;
}

std::string pci_bus_id(int index) {
  char text[32] = {};
  MOE_CUDA_CHECK(cudaDeviceGetPCIBusId(text, sizeof text, index));
  return text;
}

std::string gib_text(std::size_t bytes) {
  const std::size_t tenths = bytes / ((std::size_t{1} << 30) / 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GiB";
}

RowProduct row_product(const BatchedProduct& p) {
  RowProduct product;
  product.a = {p.a, p.transposed_a ? p.m : p.k, p.transposed_a, p.m * p.k};
  product.b = {p.b, p.transposed_b ? p.k : p.n, p.transposed_b, p.k * p.n};
  product.c = {p.c, p.n, p.m * p.n};
  product.m = p.m;
  product.n = p.n;
  product.k = p.k;
  product.in_dtype = product.out_dtype = p.dtype;
  product.batch = p.batch;
  return product;
}

/// What exists only once a device is used: stream, cuBLAS, clock, and the memory that empties the
/// L2.
class Timer {
 public:
  explicit Timer(int index) : index_(index) {
    int l2_bytes = 0;
    MOE_CUDA_CHECK(cudaDeviceGetAttribute(&l2_bytes, cudaDevAttrL2CacheSize, index));
    flush_bytes_ = 2 * static_cast<std::size_t>(l2_bytes);
  }
  ~Timer() {
    cudaFree(flush_);
    cudaFree(found_);
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  const OwnedStream& stream() const { return stream_; }

  NotFinite find_not_finite(TensorView tensor) {
    constexpr unsigned long long kNone[2] = {0, ~0ull};
    unsigned long long found[2];  // count, first
    if (found_ == nullptr) MOE_CUDA_CHECK(cudaMalloc(&found_, sizeof found));
    MOE_CUDA_CHECK(
        cudaMemcpyAsync(found_, kNone, sizeof kNone, cudaMemcpyHostToDevice, stream_.get()));
    auto* counts = static_cast<unsigned long long*>(found_);
    cuda::find_not_finite(tensor, counts, counts + 1, stream_.get());
    MOE_CUDA_CHECK(
        cudaMemcpyAsync(found, found_, sizeof found, cudaMemcpyDeviceToHost, stream_.get()));
    stream_.synchronize();
    return {static_cast<std::int64_t>(found[0]), static_cast<std::int64_t>(found[1])};
  }

  void multiply(const BatchedProduct& product) {
    if (!blas_) blas_.emplace(index_);
    blas_->use(stream_.get(), product.scratch);
    blas_->gemm_rows(row_product(product));
  }

  double time(const std::function<void()>& work) {
    if (flush_ == nullptr) MOE_CUDA_CHECK(cudaMalloc(&flush_, flush_bytes_));
    MOE_CUDA_CHECK(cudaMemsetAsync(flush_, 0, flush_bytes_, stream_.get()));
    start_.record(stream_.get());
    work();
    stop_.record(stream_.get());
    stop_.synchronize();
    return stop_.seconds_since(start_);
  }

 private:
  int index_;
  OwnedStream stream_;
  std::optional<Blas> blas_;
  Event start_, stop_;
  void* flush_ = nullptr;
  void* found_ = nullptr;  // two counters of find_not_finite()
  std::size_t flush_bytes_ = 0;
};

class CudaDevice final : public Device {
 public:
  explicit CudaDevice(int index)
      : index_(index), traits_(read_traits(index)), nvml_(Nvml::open(pci_bus_id(index))) {
    if (nvml_ && !nvml_->driver_version().empty())
      traits_.driver += ", driver " + nvml_->driver_version();
  }
  ~CudaDevice() override {
    if (timer_) cudaSetDevice(index_);
  }

  DeviceId id() const override { return {DeviceKind::cuda, index_}; }
  const DeviceTraits& traits() const override { return traits_; }

  std::string unusable_reason() override {
    if (!traits_.has_bf16) return reason_against_gpu(traits_.compute_capability, false);
    MOE_CUDA_CHECK(cudaSetDevice(index_));
    return reason_against_gpu(traits_.compute_capability, has_device_code());
  }

  std::size_t free_bytes() const override {
    MOE_CUDA_CHECK(cudaSetDevice(index_));
    std::size_t free = 0, total = 0;
    MOE_CUDA_CHECK(cudaMemGetInfo(&free, &total));
    return free;
  }

  Memory allocate(std::size_t bytes) override {
    select();
    const std::size_t pages = bytes / kPageBytes + (bytes % kPageBytes != 0 || bytes == 0);
    void* data = nullptr;
    const cudaError_t error = cudaMalloc(&data, pages * kPageBytes);
    if (error == cudaErrorMemoryAllocation) throw_out_of_memory(bytes);
    if (error != cudaSuccess) throw_cuda_error(error, "cudaMalloc");
    return {static_cast<std::byte*>(data), bytes};
  }

  void release(Memory memory) noexcept override {
    cudaSetDevice(index_);
    cudaFree(memory.data);
  }

  void copy_to_host(void* host, const void* device, std::size_t bytes) override {
    copy(host, device, bytes, cudaMemcpyDeviceToHost);
  }
  void copy_from_host(void* device, const void* host, std::size_t bytes) override {
    copy(device, host, bytes, cudaMemcpyHostToDevice);
  }
  void fill_bytes(Memory memory, unsigned char value) override {
    MOE_CUDA_CHECK(cudaMemsetAsync(memory.data, value, memory.bytes, select().stream().get()));
  }
  void fill_normal(TensorView tensor, std::uint64_t seed, std::uint32_t sequence,
                   float deviation) override {
    random_fill(tensor, seed, static_cast<RandomStream>(sequence), deviation,
                select().stream().get());
  }

  NotFinite find_not_finite(TensorView tensor) override { return select().find_not_finite(tensor); }

  bool has_batched_products() const override { return true; }
  void multiply(const BatchedProduct& product) override { select().multiply(product); }

  Stream stream() override { return {id(), select().stream().get()}; }
  void synchronize() override { select().stream().synchronize(); }
  double time(const std::function<void()>& work) override { return select().time(work); }
  std::unique_ptr<Stopwatch> make_stopwatch() override {
    return std::make_unique<EventStopwatch>(select().stream().get());
  }
  std::unique_ptr<Graph> capture(const std::function<void()>& work) override {
    return capture_graph(select().stream().get(), work);
  }
  Ceilings measure_ceilings(DType dtype) override { return cuda::measure_ceilings(*this, dtype); }

  std::optional<DeviceConditions> conditions() override {
    return nvml_ ? std::optional(nvml_->conditions()) : std::nullopt;
  }
  void begin_range(std::string_view name) override { nvtxRangePushA(std::string(name).c_str()); }
  void end_range() override { nvtxRangePop(); }
  void set_profiling(bool on) override {
    synchronize();  // what was launched before belongs to the other side
    MOE_CUDA_CHECK(on ? cudaProfilerStart() : cudaProfilerStop());
  }

 private:
  /// Makes this the thread's current device.
  Timer& select() {
    MOE_CUDA_CHECK(cudaSetDevice(index_));
    if (!timer_) timer_.emplace(index_);
    return *timer_;
  }

  void copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    const OwnedStream& stream = select().stream();
    MOE_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, kind, stream.get()));
    stream.synchronize();
  }

  [[noreturn]] void throw_out_of_memory(std::size_t bytes) const {
    cudaGetLastError();  // not sticky: the next call must not see it
    throw Error(ErrorKind::out_of_memory,
                "cannot allocate " + std::to_string(bytes) + " bytes (" + gib_text(bytes) +
                    ") on " + traits_.name,
                gib_text(free_bytes()) + " of " + gib_text(traits_.memory_bytes) + " are free",
                "use fewer tokens or a smaller configuration");
  }

  int index_;
  DeviceTraits traits_;
  std::unique_ptr<Nvml> nvml_;
  std::optional<Timer> timer_;
};

}  // namespace

std::vector<std::unique_ptr<Device>> make_cuda_devices() {
  std::vector<std::unique_ptr<Device>> devices;
  const int count = find_devices().num_devices;
  for (int index = 0; index < count; ++index)
    devices.push_back(std::make_unique<CudaDevice>(index));
  return devices;
}

std::string no_cuda_reason() {
  return find_devices().reason;
}

}  // namespace moe::cuda
