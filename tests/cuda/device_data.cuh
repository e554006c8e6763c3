// Seeded device tensors and a plain reference product for kernel tests and benchmarks.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/random.h"
#include "cuda/runtime/launch.cuh"

namespace moe::tests {

/// Device memory that frees itself.
template <class Element>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count) : count_(count) {
    MOE_CUDA_CHECK(cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(Element)));
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

template <class Element>
struct FillNormal {
  struct Args {
    Element* values;
    std::int64_t count;
    std::uint64_t seed;
    float deviation;
  };
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = 1, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const std::int64_t stride = std::int64_t{gridDim.x} * kThreads;
    for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < args.count;
         i += stride) {
      args.values[i] =
          static_cast<Element>(args.deviation * random_normal(args.seed, RandomStream::tests, i));
    }
  }
};

/// Element: __nv_bfloat16 or __half.
template <class Element>
void fill_random(DeviceArray<Element>& array, std::uint64_t seed, float deviation = 1.0f) {
  const auto count = static_cast<std::int64_t>(array.size());
  const auto blocks = static_cast<unsigned>(std::clamp<std::int64_t>((count + 255) / 256, 1, 1024));
  cuda::launch<FillNormal<Element>>({array.get(), count, seed, deviation}, dim3(blocks), nullptr);
}

}  // namespace moe::tests
