// The launch of choose(), with its limits.
#include "cuda/kernels/router/choose.cuh"

#include <string>

#include "cuda/runtime/launch.cuh"
#include "moe/error.h"

namespace moe::cuda {
namespace {

void check_limits(const LayerConfig& config) {
  const Gate& gate = config.gate;
  const bool fits = config.num_experts <= kMaxExperts && config.top_k <= kMaxTopK &&
                    gate.num_groups <= kMaxGroups;
  if (!fits) {
    throw Error(ErrorKind::usage, "the CUDA router cannot run this gate",
                "it takes up to " + std::to_string(kMaxExperts) + " experts, " +
                    std::to_string(kMaxTopK) + " per token and " + std::to_string(kMaxGroups) +
                    " groups",
                "use a smaller gate or --device cpu");
  }
  if (config.top_k > config.num_experts / gate.num_groups * gate.kept_groups) {
    throw Error(ErrorKind::usage, "the kept groups have fewer than top_k experts", "",
                "keep more groups");
  }
}

template <int kSlots>
void start(const ChooseArgs& args, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(num_chunks(args.problem.tokens)));
  if (args.problem.best_logs != nullptr) return launch<Choose<kSlots, true>>(args, grid, stream);
  launch<Choose<kSlots, false>>(args, grid, stream);
}

}  // namespace

void choose(const LayerConfig& config, const ChooseProblem& problem, cudaStream_t stream) {
  check_limits(config);
  if (problem.tokens == 0) return;
  const Gate& gate = config.gate;
  const ChooseArgs args = {.problem = problem,
                           .num_experts = static_cast<int>(config.num_experts),
                           .top_k = static_cast<int>(config.top_k),
                           .num_groups = static_cast<int>(gate.num_groups),
                           .kept_groups = static_cast<int>(gate.kept_groups),
                           .scale = gate.scale,
                           .is_sigmoid = gate.kind == GateKind::sigmoid,
                           .renormalizes = gate.kind == GateKind::topk_softmax || gate.renormalize};
  if (config.num_experts <= 32) {
    start<1>(args, stream);
  } else if (config.num_experts <= 128) {
    start<4>(args, stream);
  } else if (config.num_experts <= 256) {
    start<8>(args, stream);
  } else if (config.num_experts <= 512) {
    start<16>(args, stream);
  } else {
    start<kMaxExperts / 32>(args, stream);
  }
}

}  // namespace moe::cuda
