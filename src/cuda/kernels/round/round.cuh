// The kernels of token rounding around round_expert.h; docs/hopper.md has the whole and its cost.
//
//   SurveyChunks   a thread per chunk and expert: the best unchosen pair, by logarithm. The one
//   pass
//                  over all T E logits, in the order of memory; neighbouring threads are
//                  neighbouring experts
//   CountPairs     a block per expert; for balance, which must know all counts
//   RoundExperts   a block per expert, masks in place
#pragma once

#include <cstdint>

#include "cuda/kernels/round/round_expert.h"

namespace moe::cuda {

struct SurveyChunks {
  struct Args {
    PairScores scores;
    const std::uint32_t* chunk_masks;  // [chunks, E]
    float* best_logs;                  // [chunks, E]
    unsigned cells;                    // chunks * E
    int tokens;
  };
  struct SharedStorage {};
  static constexpr int kThreads = 128, kMinBlocks = 8, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const unsigned cell = blockIdx.x * kThreads + threadIdx.x;
    if (cell >= args.cells) return;
    const auto chunk = static_cast<int>(cell / args.scores.num_experts);
    const auto expert = static_cast<int>(cell % args.scores.num_experts);
    const std::uint32_t unchosen = ~args.chunk_masks[cell] & tokens_of_chunk(chunk, args.tokens);
    args.best_logs[cell] = best_log(args.scores, unchosen, chunk, args.tokens, expert);
  }
};

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
