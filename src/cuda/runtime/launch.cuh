// The one __global__ function. A kernel is a type:
//
//   struct Kernel {
//     struct Args; struct SharedStorage;
//     static constexpr int kThreads, kMinBlocks, kClusterSize;
//     static __device__ __forceinline__ void run(const Args&, SharedStorage&);
//   };
//
// Args travel as a grid constant and are only ever passed by reference: a copy would move tensor
// maps to the stack, where the copy engine cannot read them.
#pragma once

#include <cuda_runtime.h>

#include <atomic>
#include <cstdint>

#include "cuda/runtime/check.h"

namespace moe::cuda {

template <class Kernel>
__global__ void __launch_bounds__(Kernel::kThreads, Kernel::kMinBlocks)
    entry(const __grid_constant__ typename Kernel::Args args) {
  extern __shared__ __align__(1024) unsigned char shared[];
  cudaTriggerProgrammaticLaunchCompletion();  // the next kernel may move in as CTAs leave
  cudaGridDependencySynchronize();            // what kernels before this one wrote is there
  Kernel::run(args, *reinterpret_cast<typename Kernel::SharedStorage*>(shared));
}

/// Allows the kernel its shared memory, once per device.
template <class Kernel>
void prepare(int shared_bytes) {
  static std::atomic<std::uint64_t> prepared_devices{0};
  int device = 0;
  MOE_CUDA_CHECK(cudaGetDevice(&device));
  const std::uint64_t bit = std::uint64_t{1} << (device % 64);
  if (prepared_devices.load() & bit) return;
  MOE_CUDA_CHECK(cudaFuncSetAttribute(entry<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      shared_bytes));
  prepared_devices.fetch_or(bit);
}

template <class Kernel>
void launch(const typename Kernel::Args& args, dim3 grid, cudaStream_t stream) {
  constexpr std::size_t kSharedBytes = sizeof(typename Kernel::SharedStorage);
  static_assert(kSharedBytes <= 227 * 1024, "more shared memory than a CTA on sm_90 has");
  prepare<Kernel>(static_cast<int>(kSharedBytes));
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = dim3(Kernel::kThreads);
  config.dynamicSmemBytes = kSharedBytes;
  config.stream = stream;
  cudaLaunchAttribute attributes[2] = {};
  attributes[0].id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attributes[0].val.programmaticStreamSerializationAllowed = 1;
  attributes[1].id = cudaLaunchAttributeClusterDimension;
  attributes[1].val.clusterDim.x = Kernel::kClusterSize;
  attributes[1].val.clusterDim.y = 1;
  attributes[1].val.clusterDim.z = 1;
  config.attrs = attributes;
  config.numAttrs = Kernel::kClusterSize > 1 ? 2 : 1;
  MOE_CUDA_CHECK(cudaLaunchKernelEx(&config, entry<Kernel>, args));
}

/// A counter that the next kernel of `stream` finds at zero; null stays null.
inline unsigned* zeroed(unsigned* counter, cudaStream_t stream) {
  if (counter != nullptr) MOE_CUDA_CHECK(cudaMemsetAsync(counter, 0, sizeof(unsigned), stream));
  return counter;
}

}  // namespace moe::cuda
