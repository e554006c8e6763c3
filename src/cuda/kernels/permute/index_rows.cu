// Instances of the two row movers of the loop over experts.
#include "cuda/kernels/permute/index_rows.cuh"

#include <string>

#include "cuda/kernels/permute/index_rows.h"
#include "cuda/runtime/element.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

template <template <class> class Kernel, class Element>
void start(const IndexRowsProblem& p, cudaStream_t stream) {
  const std::int64_t warps = (p.d / kVectorSize<Element> + 31) / 32 * p.rows;
  if (warps == 0) return;
  if (p.d % 8 != 0 || warps >= std::int64_t{1} << 31) {
    throw Error(ErrorKind::internal, "index_rows: it cannot take this shape",
                std::to_string(p.rows) + " rows of " + std::to_string(p.d),
                "d must be a multiple of 8, rows times d below 2^38");
  }
  constexpr int kWarps = Kernel<Element>::kThreads / 32;
  launch<Kernel<Element>>({static_cast<const Element*>(p.from), static_cast<Element*>(p.to),
                           p.row_tokens, p.row_scales, static_cast<unsigned>(p.rows), p.d},
                          dim3(static_cast<unsigned>((warps + kWarps - 1) / kWarps)), stream);
}

template <template <class> class Kernel>
void start_typed(const IndexRowsProblem& p, cudaStream_t stream) {
  with_element("index_rows", p.dtype, [&]<class Element>() { start<Kernel, Element>(p, stream); });
}

}  // namespace

void select_rows(const IndexRowsProblem& problem, cudaStream_t stream) {
  start_typed<SelectRows>(problem, stream);
}

void add_rows(const IndexRowsProblem& problem, cudaStream_t stream) {
  start_typed<AddRows>(problem, stream);
}

}  // namespace moe::cuda
