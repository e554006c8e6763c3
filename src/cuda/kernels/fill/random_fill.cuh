// The seeded fill: one number per thread and step. Bound by the generator's multiplications, not by
// memory, so stores are as narrow as an element; the ten round keys stay in registers.
#pragma once

#include <cstdint>

#include "core/random.h"

namespace moe::cuda {

template <class Element>
struct RandomFill {
  struct Args {
    Element* values;
    std::int64_t count;
    std::uint64_t seed;
    RandomStream numbers;
    float deviation;
  };
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = 4, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
    for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
         i < args.count; i += stride) {
      args.values[i] = static_cast<Element>(
          args.deviation * random_normal(args.seed, args.numbers, static_cast<std::uint64_t>(i)));
    }
  }
};

}  // namespace moe::cuda
