// Instances of the aggregation.
#include "cuda/kernels/aggregate/sum_token_rows.cuh"

#include <string>

#include "cuda/kernels/aggregate/sum_token_rows.h"
#include "cuda/runtime/element.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

template <class Element, bool kHasRouter>
void start(const SumTokenRowsProblem& p, cudaStream_t stream) {
  using Kernel = SumTokenRows<Element, kHasRouter>;
  const std::int64_t warps = p.tokens * ((p.d / kVectorSize<Element> + 31) / 32);
  if (warps == 0) return;
  if (p.d % 8 != 0 || warps >= std::int64_t{1} << 31) {
    throw Error(ErrorKind::internal, "sum_token_rows: it cannot take this shape",
                std::to_string(p.tokens) + " tokens of " + std::to_string(p.d),
                "d must be a multiple of 8, tokens times d below 2^38");
  }
  constexpr int kWarps = Kernel::kThreads / 32;
  const typename Kernel::Args args = {static_cast<const Element*>(p.y),
                                      p.row_scales,
                                      p.token_offsets,
                                      p.token_rows,
                                      static_cast<const Element*>(p.add),
                                      static_cast<Element*>(p.out),
                                      static_cast<int>(p.tokens),
                                      p.d,
                                      static_cast<const Element*>(p.router.d_logits),
                                      static_cast<const Element*>(p.router.w_router),
                                      p.router.num_experts};
  launch<Kernel>(args, dim3(static_cast<unsigned>((warps + kWarps - 1) / kWarps)), stream);
}

template <class Element>
void start(const SumTokenRowsProblem& p, cudaStream_t stream) {
  if (p.router.num_experts > 0) return start<Element, true>(p, stream);
  start<Element, false>(p, stream);
}

}  // namespace

void sum_token_rows(const SumTokenRowsProblem& problem, cudaStream_t stream) {
  with_element("sum_token_rows", problem.dtype,
               [&]<class Element>() { start<Element>(problem, stream); });
}

}  // namespace moe::cuda
