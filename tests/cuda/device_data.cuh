// Seeded device tensors and a plain reference product for kernel tests and benchmarks.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>
#include <vector>

#include "core/random.h"
#include "cuda/runtime/check.h"

namespace moe::tests {

/// Device memory that frees itself.
template <class Element>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count) : count_(count) {
    MOE_CUDA_CHECK(cudaMalloc(&data_, count * sizeof(Element)));
  }
  explicit DeviceArray(const std::vector<Element>& values) : DeviceArray(values.size()) {
    MOE_CUDA_CHECK(
        cudaMemcpy(data_, values.data(), count_ * sizeof(Element), cudaMemcpyHostToDevice));
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  Element* get() const { return data_; }
  std::size_t size() const { return count_; }
  std::vector<Element> to_host() const {
    std::vector<Element> values(count_);
    MOE_CUDA_CHECK(
        cudaMemcpy(values.data(), data_, count_ * sizeof(Element), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  Element* data_ = nullptr;
  std::size_t count_;
};

template <int>
__global__ void fill_normal_kernel(__nv_bfloat16* values, std::int64_t count, std::uint64_t seed,
                                   float deviation) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x; i < count;
       i += stride) {
    values[i] = __float2bfloat16(deviation * random_normal(seed, RandomStream::tests, i));
  }
}

inline void fill_random(DeviceArray<__nv_bfloat16>& array, std::uint64_t seed,
                        float deviation = 1.0f) {
  fill_normal_kernel<0>
      <<<1024, 256>>>(array.get(), static_cast<std::int64_t>(array.size()), seed, deviation);
  MOE_CUDA_CHECK(cudaGetLastError());
}

}  // namespace moe::tests
