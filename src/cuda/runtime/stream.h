// A CUDA stream that destroys itself. Non-blocking: it never waits for the legacy default stream.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/runtime/check.h"

namespace moe::cuda {

class OwnedStream {
 public:
  OwnedStream() { MOE_CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
  ~OwnedStream() { cudaStreamDestroy(stream_); }
  OwnedStream(const OwnedStream&) = delete;
  OwnedStream& operator=(const OwnedStream&) = delete;

  cudaStream_t get() const { return stream_; }
  void synchronize() const { MOE_CUDA_CHECK(cudaStreamSynchronize(stream_)); }

 private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace moe::cuda
