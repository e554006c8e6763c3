// CUDA calls to exceptions, with the call that failed.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "moe/error.h"

namespace moe::cuda {

[[noreturn]] inline void throw_cuda_error(cudaError_t error, const char* call) {
  cudaGetLastError();  // a sticky error must not be reported twice
  const ErrorKind kind =
      error == cudaErrorMemoryAllocation ? ErrorKind::out_of_memory : ErrorKind::device;
  throw Error(kind, std::string(call) + " failed", cudaGetErrorString(error));
}

}  // namespace moe::cuda

#define MOE_CUDA_CHECK(call)                                                                 \
  do {                                                                                       \
    const cudaError_t moe_cuda_error = (call);                                               \
    if (moe_cuda_error != cudaSuccess) ::moe::cuda::throw_cuda_error(moe_cuda_error, #call); \
  } while (false)
