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
#if __CUDA_ARCH__ >= 900
  cudaTriggerProgrammaticLaunchCompletion();  // the next kernel may move in as CTAs leave
  cudaGridDependencySynchronize();            // what kernels before this one wrote is there
#endif
  Kernel::run(args, *reinterpret_cast<typename Kernel::SharedStorage*>(shared));
}

inline constexpr int kOverlapVersion = 90;  // of the code in which entry() waits by itself

/// Allows the kernel its shared memory, once per device. True where its code waits for the kernels
/// before it, so that it may be launched while they end. That hangs on what the code was compiled
/// for, not on the device: PTX of compute_80 does not wait on a Hopper GPU either.
template <class Kernel>
bool prepare(int shared_bytes) {
  static std::atomic<std::uint64_t> prepared_devices{0}, overlapping_devices{0};
  int device = 0;
  MOE_CUDA_CHECK(cudaGetDevice(&device));
  const std::uint64_t bit = std::uint64_t{1} << (device % 64);
  if ((prepared_devices.load() & bit) == 0) {
    cudaFuncAttributes code{};
    MOE_CUDA_CHECK(cudaFuncGetAttributes(&code, entry<Kernel>));
    MOE_CUDA_CHECK(cudaFuncSetAttribute(entry<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                        shared_bytes));
    if (code.ptxVersion >= kOverlapVersion) overlapping_devices.fetch_or(bit);
    prepared_devices.fetch_or(bit);
  }
  return (overlapping_devices.load() & bit) != 0;
}

template <class Kernel>
void launch(const typename Kernel::Args& args, dim3 grid, cudaStream_t stream) {
  constexpr std::size_t kSharedBytes = sizeof(typename Kernel::SharedStorage);
  static_assert(kSharedBytes <= 227 * 1024, "more shared memory than a CTA on sm_90 has");
  cudaLaunchAttribute attributes[2] = {};
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = dim3(Kernel::kThreads);
  config.dynamicSmemBytes = kSharedBytes;
  config.stream = stream;
  config.attrs = attributes;
  if (prepare<Kernel>(static_cast<int>(kSharedBytes))) {
    cudaLaunchAttribute& overlap = attributes[config.numAttrs++];
    overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    overlap.val.programmaticStreamSerializationAllowed = 1;
  }
  if constexpr (Kernel::kClusterSize > 1) {
    cudaLaunchAttribute& cluster = attributes[config.numAttrs++];
    cluster.id = cudaLaunchAttributeClusterDimension;
    cluster.val.clusterDim.x = Kernel::kClusterSize;
    cluster.val.clusterDim.y = 1;
    cluster.val.clusterDim.z = 1;
  }
  MOE_CUDA_CHECK(cudaLaunchKernelEx(&config, entry<Kernel>, args));
}

/// A counter that the next kernel of `stream` finds at zero; null stays null.
inline unsigned* zeroed(unsigned* counter, cudaStream_t stream) {
  if (counter != nullptr) MOE_CUDA_CHECK(cudaMemsetAsync(counter, 0, sizeof(unsigned), stream));
  return counter;
}

}  // namespace moe::cuda
