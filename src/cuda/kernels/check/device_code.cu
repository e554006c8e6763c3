// Asks the driver for a kernel that does nothing: it is compiled for what all others are.
#include "cuda/kernels/check/device_code.h"

#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

struct Nothing {
  struct Args {};
  struct SharedStorage {};
  static constexpr int kThreads = 32, kMinBlocks = 1;

  static __device__ __forceinline__ void run(const Args&, SharedStorage&) {}
};

bool says_no_code(cudaError_t error) {
  return error == cudaErrorNoKernelImageForDevice || error == cudaErrorInvalidDeviceFunction ||
         error == cudaErrorUnsupportedPtxVersion || error == cudaErrorJitCompilationDisabled ||
         error == cudaErrorJitCompilerNotFound;
}

}  // namespace

bool has_device_code() {
  cudaFuncAttributes code{};
  const cudaError_t error = cudaFuncGetAttributes(&code, entry<Nothing>);
  if (error == cudaSuccess) return true;
  if (!says_no_code(error)) throw_cuda_error(error, "cudaFuncGetAttributes");
  cudaGetLastError();  // this is no error of the call that comes next
  return false;
}

}  // namespace moe::cuda
