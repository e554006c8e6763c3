// The launches of round_masks(), with its limits.
#include "cuda/kernels/round/round.cuh"

#include "cuda/kernels/round/round.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

/// With this many experts or fewer a multiprocessor has no more than two, and they get more
/// threads.
constexpr int kFewExperts = 264;

}  // namespace

void round_masks(const RoundProblem& problem, cudaStream_t stream) {
  const Rounding& rounding = problem.rounding;
  if (problem.tokens == 0 || rounding.rule == RoundingRule::none) return;
  const int num_experts = problem.scores.num_experts;
  const auto tokens = static_cast<int>(problem.tokens);
  const auto chunks = static_cast<int>(num_chunks(problem.tokens));
  const auto cells = static_cast<unsigned>(chunks) * static_cast<unsigned>(num_experts);
  auto* best_logs = reinterpret_cast<float*>(problem.scratch);
  auto* candidates = reinterpret_cast<std::uint32_t*>(best_logs + cells);
  auto* counts = reinterpret_cast<std::int32_t*>(candidates + cells);
  if (may_add_pairs(rounding.rule)) {
    constexpr unsigned kThreads = SurveyChunks::kThreads;
    launch<SurveyChunks>({problem.scores, problem.chunk_masks, best_logs, cells, tokens},
                         dim3((cells + kThreads - 1) / kThreads), stream);
  }
  const dim3 per_expert(static_cast<unsigned>(num_experts));
  if (rounding.rule == RoundingRule::balance) {
    launch<CountPairs>({problem.chunk_masks, counts, num_experts, chunks}, per_expert, stream);
  }
  const RoundArgs args = {problem.scores, rounding,   problem.seed, problem.chunk_masks,
                          best_logs,      candidates, counts,       tokens,
                          chunks};
  if (num_experts <= kFewExperts) {
    launch<RoundExperts<512>>(args, per_expert, stream);
  } else {
    launch<RoundExperts<256>>(args, per_expert, stream);
  }
}

}  // namespace moe::cuda
