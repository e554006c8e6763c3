// bfloat16 instances of the grouped GEMM, and the choice among them at run time.
#include "cuda/kernels/gemm/grouped_gemm_launch.cuh"
#include "cuda/kernels/gemm/instances.h"

namespace moe::cuda {
namespace {

using Element = __nv_bfloat16;

constexpr GemmTile kTile128x192{
    .block_m = 128, .block_n = 192, .block_k = 64, .num_stages = 4, .cluster_m = 1};
constexpr GemmTile kTile128x128Pair{
    .block_m = 128, .block_n = 128, .block_k = 64, .num_stages = 5, .cluster_m = 2};
constexpr GemmTile kTile128x128PingPong{.block_m = 128,
                                        .block_n = 128,
                                        .block_k = 64,
                                        .num_stages = 5,
                                        .cluster_m = 2,
                                        .schedule = Schedule::ping_pong};

}  // namespace

std::size_t stream_scratch_bytes(int num_multiprocessors) {
  const std::size_t slots = static_cast<std::size_t>(num_multiprocessors) * GemmTile::kConsumers;
  return slots * (kPartialValues * sizeof(float) + sizeof(unsigned));
}

void multiply_rows_bf16(const GroupedRowsProblem& p, WeightLayout layout, GroupedTile tile,
                        int num_multiprocessors, cudaStream_t stream) {
  switch (tile) {
    case GroupedTile::m128n256:
      return rows_by_layout<Element, kTile128x256>(p, layout, num_multiprocessors, stream);
    case GroupedTile::m128n256_pair:
      return rows_by_layout<Element, kTile128x256Pair>(p, layout, num_multiprocessors, stream);
    case GroupedTile::m128n192:
      return rows_by_layout<Element, kTile128x192>(p, layout, num_multiprocessors, stream);
    case GroupedTile::m128n128_pair:
      return rows_by_layout<Element, kTile128x128Pair>(p, layout, num_multiprocessors, stream);
    case GroupedTile::m128n128_ping_pong:
      return rows_by_layout<Element, kTile128x128PingPong>(p, layout, num_multiprocessors, stream);
    case GroupedTile::m128n256_streamed:
      return rows_by_layout<Element, kTile128x256Pair, true>(p, layout, num_multiprocessors,
                                                             stream);
  }
}

void weight_gradient_bf16(const WeightGradientProblem& p, GroupedTile tile, int num_multiprocessors,
                          cudaStream_t stream) {
  switch (tile) {
    case GroupedTile::m128n256:
      return gradient_by_form<Element, kTile128x256>(p, num_multiprocessors, stream);
    case GroupedTile::m128n256_pair:
      return gradient_by_form<Element, kTile128x256Pair>(p, num_multiprocessors, stream);
    case GroupedTile::m128n192:
      return gradient_by_form<Element, kTile128x192>(p, num_multiprocessors, stream);
    case GroupedTile::m128n128_pair:
      return gradient_by_form<Element, kTile128x128Pair>(p, num_multiprocessors, stream);
    case GroupedTile::m128n128_ping_pong:
      return gradient_by_form<Element, kTile128x128PingPong>(p, num_multiprocessors, stream);
    case GroupedTile::m128n256_streamed:
      throw Error(ErrorKind::internal, "weight gradients are not streamed");
  }
}

}  // namespace moe::cuda
