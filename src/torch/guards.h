// What stands around every call into PyTorch: the caller's stream, a count of what PyTorch
// allocates, and errors in this house's words.
#pragma once

#include <ATen/Context.h>
#include <c10/core/Allocator.h>
#include <c10/util/Exception.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "moe/device.h"
#include "moe/error.h"
#include "moe/variant.h"
#if defined(MOE_TORCH_HAS_CUDA)
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace moe::torch_rows {

inline at::Device torch_device(DeviceId device) {
  if (device.kind == DeviceKind::cpu) return at::Device(at::kCPU);
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(device.index));
}

/// While it lives, PyTorch works on the caller's stream and device.
class StreamScope {
 public:
#if defined(MOE_TORCH_HAS_CUDA)
  explicit StreamScope(const Stream& stream) {
    if (stream.device.kind != DeviceKind::cuda) return;
    guard_.emplace(
        c10::cuda::getStreamFromExternal(static_cast<cudaStream_t>(stream.native),
                                         static_cast<c10::DeviceIndex>(stream.device.index)));
  }

 private:
  std::optional<c10::cuda::CUDAStreamGuard> guard_;
#else
  explicit StreamScope(const Stream&) {}
#endif
};

/// Bytes that PyTorch's allocators, of host or GPU, gave out less those they got back.
class AllocationCount final : public c10::MemoryReportingInfoBase {
 public:
  explicit AllocationCount(std::int64_t held) : held_(held), most_(held) {}

  void reportMemoryUsage(void*, std::int64_t bytes, std::size_t, std::size_t,
                         c10::Device) override {
    const std::int64_t held = held_ += bytes;
    std::int64_t most = most_;
    while (held > most && !most_.compare_exchange_weak(most, held)) {
    }
  }
  bool memoryProfilingEnabled() const override { return true; }

  std::int64_t held() const { return held_; }
  std::int64_t most() const { return most_; }

 private:
  std::atomic<std::int64_t> held_, most_;  // autograd's own threads report too
};

/// Counts into `wanted` while it lives; null = nobody asks, and nothing is counted.
class AllocationScope {
 public:
  explicit AllocationScope(OwnMemory* wanted, bool is_forward)
      : wanted_(wanted), is_forward_(is_forward) {
    if (wanted_ == nullptr) return;
    count_ = std::make_shared<AllocationCount>(is_forward ? 0 : wanted->saved_bytes);
    guard_.emplace(c10::DebugInfoKind::PROFILER_STATE, count_);
  }
  ~AllocationScope() {
    if (wanted_ == nullptr) return;
    if (is_forward_) wanted_->saved_bytes = count_->held();
    wanted_->peak_bytes = std::max(wanted_->peak_bytes, count_->most());
  }
  AllocationScope(const AllocationScope&) = delete;
  AllocationScope& operator=(const AllocationScope&) = delete;

 private:
  OwnMemory* wanted_;
  bool is_forward_;
  std::shared_ptr<AllocationCount> count_;
  std::optional<c10::DebugInfoGuard> guard_;
};

/// Runs `work`; PyTorch's errors become Error{out_of_memory} and Error{device}.
template <class Work>
void translate_errors(Work&& work) {
  const auto first_line = [](const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    return text.substr(0, text.find('\n'));
  };
  try {
    work();
  } catch (const c10::OutOfMemoryError& error) {
#if defined(MOE_TORCH_HAS_CUDA)
    c10::cuda::CUDACachingAllocator::emptyCache();
#endif
    throw Error(ErrorKind::out_of_memory, "PyTorch is out of memory", first_line(error));
  } catch (const c10::Error& error) {
    throw Error(ErrorKind::device, "PyTorch reports an error", first_line(error));
  }
}

}  // namespace moe::torch_rows
