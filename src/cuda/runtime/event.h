// A CUDA event that destroys itself: a point of a stream's work whose time can be read.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/runtime/check.h"

namespace moe::cuda {

class Event {
 public:
  Event() { MOE_CUDA_CHECK(cudaEventCreate(&event_)); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  cudaEvent_t get() const { return event_; }
  void record(cudaStream_t stream) { MOE_CUDA_CHECK(cudaEventRecord(event_, stream)); }
  void synchronize() const { MOE_CUDA_CHECK(cudaEventSynchronize(event_)); }

  /// Both recorded on one device and passed by.
  double seconds_since(const Event& earlier) const {
    float milliseconds = 0;
    MOE_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, earlier.event_, event_));
    return 1e-3 * milliseconds;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace moe::cuda
