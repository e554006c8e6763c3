// float16 instances of the grouped GEMM.
#include "cuda/kernels/gemm/grouped_gemm_launch.cuh"
#include "cuda/kernels/gemm/instances.h"

namespace moe::cuda {

namespace {
using Element = __half;
}

void multiply_rows_fp16(const GroupedRowsProblem& p, WeightLayout layout, GroupedTile tile,
                        int num_multiprocessors, cudaStream_t stream) {
  if (tile == GroupedTile::m128n256_streamed)
    return rows_by_layout<Element, kTile128x256Pair, true>(p, layout, num_multiprocessors, stream);
  rows_by_layout<Element, kTile128x256Pair>(p, layout, num_multiprocessors, stream);
}

void weight_gradient_fp16(const WeightGradientProblem& p, int num_multiprocessors,
                          cudaStream_t stream) {
  gradient_by_form<Element, kTile128x256Pair>(p, num_multiprocessors, stream);
}

}  // namespace moe::cuda
