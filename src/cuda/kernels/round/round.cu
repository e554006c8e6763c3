// The launches of round_masks(), with its limits.
#include "cuda/kernels/round/round.cuh"

#include "cuda/kernels/round/round.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

/// With this many experts or fewer a multiprocessor has one, or no more than two, and they get
/// more threads.
constexpr int kFewestExperts = 132, kFewExperts = 264;

}  // namespace

void round_masks(const RoundProblem& problem, cudaStream_t stream) {
  const int num_experts = problem.scores.num_experts;
  const auto tokens = static_cast<int>(problem.tokens);
  const auto chunks = static_cast<int>(num_chunks(problem.tokens));
  const std::int64_t cells = std::int64_t{chunks} * num_experts;
  const auto* best_logs = reinterpret_cast<const float*>(problem.scratch);
  auto* columns = reinterpret_cast<std::uint32_t*>(problem.scratch) + cells;
  auto* counts = reinterpret_cast<std::int32_t*>(columns + cells);
  const PermuteScratch permutation =
      permute_scratch(problem.permute_scratch, problem.tokens, num_experts);
  const dim3 per_expert(static_cast<unsigned>(num_experts));
  if (problem.rounding.rule == RoundingRule::balance) {
    launch<CountPairs>({permutation.chunk_masks, counts, num_experts, chunks}, per_expert, stream);
  }
  const RoundArgs args = {problem.scores, problem.rounding, problem.seed, permutation, best_logs,
                          columns,        counts,           tokens,       chunks};
  if (num_experts <= kFewestExperts) {
    launch<RoundExperts<1024>>(args, per_expert, stream);
  } else if (num_experts <= kFewExperts) {
    launch<RoundExperts<512>>(args, per_expert, stream);
  } else {
    launch<RoundExperts<256>>(args, per_expert, stream);
  }
}

}  // namespace moe::cuda
