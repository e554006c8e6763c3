// Measured through the Device itself, so by the same clock as everything that is compared with it.
#include "cuda/device/ceilings.h"

#include <algorithm>
#include <array>

#include "cuda/kernels/fill/random_fill.h"
#include "cuda/runtime/blas.h"
#include "cuda/runtime/check.h"

namespace moe::cuda {
namespace {

constexpr std::int64_t kDimNarrow = 8192, kDimF32 = 4096;
constexpr std::size_t kCopyBytes = std::size_t{4} << 30;
constexpr int kWarmups = 10, kSamples = 9;

class ScopedMemory {
 public:
  ScopedMemory(Device& device, std::size_t bytes)
      : device_(device), memory_(device.allocate(bytes)) {}
  ~ScopedMemory() { device_.release(memory_); }
  ScopedMemory(const ScopedMemory&) = delete;
  ScopedMemory& operator=(const ScopedMemory&) = delete;

  Memory get() const { return memory_; }

 private:
  Device& device_;
  Memory memory_;
};

double median_seconds(Device& device, const std::function<void()>& work) {
  for (int i = 0; i < kWarmups; ++i) device.time(work);
  std::array<double, kSamples> seconds;
  for (double& sample : seconds) sample = device.time(work);
  std::nth_element(seconds.begin(), seconds.begin() + kSamples / 2, seconds.end());
  return seconds[kSamples / 2];
}

double gemm_flops_per_s(Device& device, DType dtype) {
  const std::int64_t dim = size_of(dtype) == 2 ? kDimNarrow : kDimF32;
  const std::size_t bytes = static_cast<std::size_t>(dim * dim) * size_of(dtype);
  const ScopedMemory a(device, bytes), b(device, bytes), c(device, bytes);
  const ScopedMemory scratch(device, device.traits().gemm_scratch_bytes);
  const auto stream = static_cast<cudaStream_t>(device.stream().native);
  random_fill({a.get().data, dtype, {dim, dim}}, 1, RandomStream::tests, 1.0f, stream);
  random_fill({b.get().data, dtype, {dim, dim}}, 2, RandomStream::tests, 1.0f, stream);
  Blas blas(device.id().index);
  blas.use(stream, scratch.get());
  RowProduct product;
  product.a = {a.get().data, dim};
  product.b = {b.get().data, dim, true};  // [n, k], as weights are stored
  product.c = {c.get().data, dim};
  product.m = product.n = product.k = dim;
  product.in_dtype = product.out_dtype = dtype;
  const double seconds = median_seconds(device, [&] { blas.gemm_rows(product); });
  return 2.0 * static_cast<double>(dim) * dim * dim / seconds;
}

double copy_bytes_per_s(Device& device) {
  const std::size_t bytes = std::min(kCopyBytes, device.free_bytes() / 4);
  const ScopedMemory from(device, bytes), to(device, bytes);
  const auto stream = static_cast<cudaStream_t>(device.stream().native);
  device.fill_bytes(from.get(), 1);
  const double seconds = median_seconds(device, [&] {
    MOE_CUDA_CHECK(
        cudaMemcpyAsync(to.get().data, from.get().data, bytes, cudaMemcpyDeviceToDevice, stream));
  });
  return 2.0 * static_cast<double>(bytes) / seconds;
}

}  // namespace

Ceilings measure_ceilings(Device& device, DType dtype) {
  return {gemm_flops_per_s(device, dtype), copy_bytes_per_s(device)};
}

}  // namespace moe::cuda
