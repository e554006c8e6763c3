// The kernels of token rounding around round_expert.h; docs/hopper.md has the whole and its cost.
//
//   CountPairs     a block per expert; for balance, which must know all counts
//   RoundExperts   a block per expert
#pragma once

#include <cstdint>

#include "cuda/kernels/round/round_expert.h"

namespace moe::cuda {

struct CountPairs {
  struct Args {
    const std::uint32_t* chunk_masks;  // [chunks, E]
    std::int32_t* counts;              // [E]
    int num_experts, chunks;
  };
  struct SharedStorage {
    int count;
  };
  static constexpr int kThreads = 256, kMinBlocks = 4, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    const auto expert = static_cast<int>(blockIdx.x);
    const int count = BlockTeam<kThreads>{}.sum(args.chunks, shared.count, [&](int chunk) {
      return __popc(args.chunk_masks[std::int64_t{chunk} * args.num_experts + expert]);
    });
    if (threadIdx.x == 0) args.counts[expert] = count;
  }
};

template <int kTeamThreads>
struct RoundExperts {
  using Args = RoundArgs;
  using Team = BlockTeam<kTeamThreads>;
  using SharedStorage = typename RoundExpert<Team>::Shared;
  static constexpr int kThreads = kTeamThreads, kMinBlocks = 1024 / kThreads, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    RoundExpert<Team>(args, shared, Team{}, static_cast<int>(blockIdx.x)).run();
  }
};

}  // namespace moe::cuda
