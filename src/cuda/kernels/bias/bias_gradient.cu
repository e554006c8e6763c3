// Instances of the bias's gradient.
#include "cuda/kernels/bias/bias_gradient.cuh"

#include <algorithm>

#include "cuda/kernels/bias/bias_gradient.h"
#include "cuda/runtime/element.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

constexpr std::int64_t kFewestChunkRows = 128;

template <class Element, int kWidth>
void start(const BiasGradientProblem& p, cudaStream_t stream) {
  using Kernel = BiasGradient<Element, kWidth>;
  using Finish = AddChunks<Element>;
  static_assert(kWidth == 1 || Kernel::kBlockColumns == kBiasDotColumns);
  const int blocks = (p.columns + Kernel::kBlockColumns - 1) / Kernel::kBlockColumns;
  const std::int64_t chunk_rows =
      std::max(kFewestChunkRows, (p.num_rows + kBiasChunks - 1) / kBiasChunks);
  const bool is_chunked = p.expert_offsets == nullptr;
  const int chunks = static_cast<int>((p.num_rows + chunk_rows - 1) / chunk_rows);
  auto* d_bias = static_cast<Element*>(p.d_bias);
  const int parts = is_chunked ? chunks : p.num_experts;
  if (parts > 0) {
    launch<Kernel>({static_cast<const Element*>(p.rows), p.row_tokens, p.row_scales,
                    p.expert_offsets, p.num_rows, chunk_rows, p.columns, d_bias, p.adds,
                    static_cast<const Element*>(p.bias), p.dots, p.chunk_sums, p.interleaved},
                   dim3(blocks, parts), stream);
  }
  if (!is_chunked) return;
  launch<Finish>({p.chunk_sums, d_bias, chunks, p.columns, p.adds},
                 dim3((p.columns + Finish::kThreads - 1) / Finish::kThreads), stream);
}

}  // namespace

void bias_gradient(const BiasGradientProblem& problem, cudaStream_t stream) {
  if (problem.d_bias == nullptr && problem.bias == nullptr) return;
  if (problem.bias != nullptr && (problem.columns % 8 != 0 || problem.expert_offsets == nullptr))
    throw Error(ErrorKind::internal, "bias_gradient: dots need experts and columns in eights");
  if (problem.interleaved &&
      (problem.columns % 2 != 0 || problem.expert_offsets == nullptr || problem.bias != nullptr))
    throw Error(ErrorKind::internal, "bias_gradient: halves in turns need experts, and no dots");
  with_narrow_element("bias_gradient", problem.dtype, [&]<class Element>() {
    if (problem.columns % 8 == 0) return start<Element, 8>(problem, stream);
    start<Element, 1>(problem, stream);
  });
}

}  // namespace moe::cuda
