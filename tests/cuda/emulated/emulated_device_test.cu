// The emulated device itself: what kernels may rely on, and that their mistakes do not pass.
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

/// Runs `Body(args, shared)` in every thread.
template <class Body, int kBlockThreads>
struct Kernel {
  using Args = std::vector<int>*;
  struct SharedStorage {
    int cells[kBlockThreads];
  };
  static constexpr int kThreads = kBlockThreads;
  static void run(const Args& out, SharedStorage& shared) { Body{}(*out, shared.cells); }
};

template <class Body, int kBlockThreads = 64>
std::vector<int> run(unsigned blocks = 1) {
  std::vector<int> out(blocks * kBlockThreads, -1);  // also what poison looks like
  launch<Kernel<Body, kBlockThreads>>(&out, dim3(blocks), nullptr);
  return out;
}

int place() {
  return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
}

struct WriteOwnPlace {
  void operator()(std::vector<int>& out, int*) const { out[place()] = place(); }
};

TEST(EmulatedDevice, RunsEveryThreadOfEveryBlock) {
  std::vector<int> want(3 * 64);
  std::iota(want.begin(), want.end(), 0);
  EXPECT_EQ(run<WriteOwnPlace>(3), want);
}

struct ReverseThroughSharedMemory {
  void operator()(std::vector<int>& out, int* cells) const {
    const int t = static_cast<int>(threadIdx.x), last = static_cast<int>(blockDim.x) - 1;
    for (int round = 0; round < 3; ++round) {
      cells[t] = place() + round;
      __syncthreads();
      out[place()] = cells[last - t];
      __syncthreads();
    }
  }
};

TEST(EmulatedDevice, ABarrierShowsWhatAllWroteBefore) {
  const std::vector<int> out = run<ReverseThroughSharedMemory>(2);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(out[64 + i], 64 + 63 - i + 2);
}

struct SumOverTeams {
  void operator()(std::vector<int>& out, int*) const {
    const int lane = static_cast<int>(threadIdx.x % 32), team = lane / 8;
    int sum = lane;
    // Teams go through different numbers of exchanges.
    for (int again = 0; again <= team; ++again) {
      for (int step = 4; step > 0; step /= 2)
        sum += __shfl_xor_sync(0xffu << 8 * team, again == 0 ? sum : 0, step, 8);
    }
    out[place()] = sum + (__ballot_sync(0xffffffffu, lane == 5) == 32 ? 1000 : 0);
  }
};

TEST(EmulatedDevice, LanesExchangeInTeams) {
  const std::vector<int> out = run<SumOverTeams>();
  for (int i = 0; i < 64; ++i) EXPECT_EQ(out[i], 1000 + 28 + i % 32 / 8 * 64) << i;
}

struct LeaveEarly {
  void operator()(std::vector<int>& out, int*) const {
    if (threadIdx.x >= 32) return;
    __syncthreads();
    out[place()] = 1;
  }
};

TEST(EmulatedDevice, NobodyWaitsForThreadsThatReturned) {
  const std::vector<int> out = run<LeaveEarly>();
  for (int i = 0; i < 64; ++i) EXPECT_EQ(out[i], i < 32 ? 1 : -1);
}

struct MeetAtDifferentPlaces {
  void operator()(std::vector<int>&, int*) const {
    if (threadIdx.x == 3) {
      __syncthreads();
    } else {
      __syncwarp();
    }
  }
};

TEST(EmulatedDeviceDeathTest, ThreadsThatWaitInVainAreNamed) {
  EXPECT_DEATH(run<MeetAtDifferentPlaces>(), "wait for each other for ever:.* 3 \\(block\\)");
}

struct UseAMaskWithAHole {
  void operator()(std::vector<int>&, int*) const { __syncwarp(0xffu << 4); }
};

TEST(EmulatedDeviceDeathTest, MasksAreAlignedTeams) {
  EXPECT_DEATH(run<UseAMaskWithAHole>(), "no aligned team");
}

struct ReadUnwrittenMemory {
  void operator()(std::vector<int>& out, int* cells) const { out[place()] = cells[threadIdx.x]; }
};

TEST(EmulatedDevice, SharedMemoryBeginsAsPoison) {
  EXPECT_EQ(run<ReadUnwrittenMemory>(), std::vector<int>(64, -1));  // NaN, if they were floats
}

}  // namespace
}  // namespace moe::cuda
