// Instances of the aggregation's gradient.
#include "cuda/kernels/aggregate/combine_backward.cuh"

#include <string>

#include "cuda/kernels/aggregate/combine_backward.h"
#include "cuda/runtime/element.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

template <class Element>
void start(const CombineBackwardProblem& p, cudaStream_t stream) {
  using Kernel = CombineBackward<Element>;
  if (p.max_rows == 0) return;
  if (p.d % 8 != 0) {
    throw Error(ErrorKind::internal,
                "combine_backward: it cannot take rows of " + std::to_string(p.d), "",
                "d must be a multiple of 8");
  }
  constexpr std::int64_t kWarps = Kernel::kThreads / 32;
  launch<Kernel>({static_cast<const Element*>(p.d_out), static_cast<const Element*>(p.y),
                  p.row_tokens, p.token_rows, p.row_scores, static_cast<Element*>(p.d_y),
                  p.d_scores, p.expert_offsets, p.num_experts, p.d, static_cast<int>(p.max_rows)},
                 dim3(static_cast<unsigned>((p.max_rows + kWarps - 1) / kWarps)), stream);
}

}  // namespace

void combine_backward(const CombineBackwardProblem& problem, cudaStream_t stream) {
  with_element("combine_backward", problem.dtype,
               [&]<class Element>() { start<Element>(problem, stream); });
}

}  // namespace moe::cuda
