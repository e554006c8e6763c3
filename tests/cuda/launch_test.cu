// The one launch of all kernels: it overlaps kernels where their code waits, and only there.
#include "cuda/runtime/launch.cuh"

#include <gtest/gtest.h>

#include <numeric>
#include <utility>

#include "device_data.cuh"
#include "gpu.h"

namespace moe::cuda {
namespace {

using tests::DeviceArray;

struct TellArchitecture {
  struct Args {
    int* architecture;
  };
  struct SharedStorage {};
  static constexpr int kThreads = 32, kMinBlocks = 1, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
#if defined(__CUDA_ARCH__)
    if (threadIdx.x == 0) *args.architecture = __CUDA_ARCH__;
#endif
  }
};

/// to[i] = from[count - 1 - i] + 1: an element comes from a block at the other end.
struct AddOneReversed {
  struct Args {
    const int* from;
    int* to;
    int count;
  };
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = 1, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const int i = blockIdx.x * kThreads + threadIdx.x;
    if (i < args.count) args.to[i] = args.from[args.count - 1 - i] + 1;
  }
};

class LaunchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tests::no_gpu_reason().empty()) GTEST_SKIP() << tests::no_gpu_reason();
  }
};

TEST_F(LaunchTest, OverlapsKernelsWhoseCodeWaits) {
  const DeviceArray<int> architecture(1);
  launch<TellArchitecture>({architecture.get()}, dim3(1), nullptr);
  MOE_CUDA_CHECK(cudaDeviceSynchronize());
  EXPECT_EQ(prepare<TellArchitecture>(1), architecture.to_host()[0] >= 10 * kOverlapVersion);
}

TEST_F(LaunchTest, AKernelSeesWhatTheOneBeforeWrote) {
  constexpr int kCount = 1 << 20, kLaunches = 200, kBlocks = kCount / AddOneReversed::kThreads;
  std::vector<int> values(kCount);
  std::iota(values.begin(), values.end(), 0);
  const DeviceArray<int> first(values), second(kCount);
  int *from = first.get(), *to = second.get();
  for (int i = 0; i < kLaunches; ++i) {
    launch<AddOneReversed>({from, to, kCount}, dim3(kBlocks), nullptr);
    std::swap(from, to);
  }
  MOE_CUDA_CHECK(cudaDeviceSynchronize());
  for (int& value : values) value += kLaunches;  // reversed an even number of times
  EXPECT_EQ(first.to_host(), values);
}

}  // namespace
}  // namespace moe::cuda
