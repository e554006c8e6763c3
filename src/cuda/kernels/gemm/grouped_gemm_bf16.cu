// Instances of the grouped GEMM, and the choice among them at run time.
#include <string>

#include "cuda/kernels/gemm/grouped_gemm.cuh"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

constexpr GemmTile kTile128x256{
    .block_m = 128, .block_n = 256, .block_k = 64, .num_stages = 4, .cluster_m = 1};
constexpr GemmTile kTile128x256Pair{
    .block_m = 128, .block_n = 256, .block_k = 64, .num_stages = 4, .cluster_m = 2};
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

template <class Product>
void start(const typename Product::Args& args, int num_multiprocessors, cudaStream_t stream) {
  constexpr int kCluster = Product::kTile.cluster_m;
  launch<ExpertGemm<Product>>(args, dim3(num_multiprocessors / kCluster * kCluster), stream);
}

/// What one consumer warpgroup holds of a streamed tile.
constexpr std::size_t kPartialValues = std::size_t{64} * kTile128x256Pair.block_n;

/// Slots for the sums, then their flags, which are set to zero.
PartialSums partial_sums(void* scratch, int num_multiprocessors, cudaStream_t stream) {
  if (scratch == nullptr)
    throw Error(ErrorKind::internal, "grouped GEMM: no scratch for a streamed tile");
  const std::size_t slots = static_cast<std::size_t>(num_multiprocessors) * GemmTile::kConsumers;
  auto* values = static_cast<float*>(scratch);
  auto* ready = reinterpret_cast<unsigned*>(values + slots * kPartialValues);
  MOE_CUDA_CHECK(cudaMemsetAsync(ready, 0, slots * sizeof(unsigned), stream));
  return {values, ready};
}

/// Of [E, rows, columns].
CUtensorMap map_weight(const void* weight, int num_experts, int rows, int columns,
                       bool interleaved) {
  return interleaved ? map_batch(weight, num_experts, rows / 2, 2 * columns, 64)
                     : map_batch(weight, num_experts, rows, columns, 64);
}

/// Throws Error{internal} for interleaved rows that boxes of 64 x 64 cannot take one half at a
/// time.
void require_whole_boxes(bool interleaved, bool supported, int rows, int columns) {
  if (!interleaved || (supported && rows % 128 == 0 && columns % 64 == 0)) return;
  throw Error(ErrorKind::internal, "grouped GEMM: it cannot take interleaved rows of this weight",
              std::to_string(rows) + " x " + std::to_string(columns));
}

template <GemmTile kTile, WeightLayout kLayout, bool kStreamed = false>
void rows_with(const GroupedRowsProblem& p, int num_multiprocessors, cudaStream_t stream) {
  using Product = MultiplyRows<kLayout, kTile, kStreamed>;
  typename Product::Args args = {};
  args.dims = {p.expert_offsets, p.num_experts, 0, p.n, p.k, nullptr};
  if constexpr (kStreamed) {
    args.partials = partial_sums(p.stream_scratch, num_multiprocessors, stream);
  } else {
    args.dims.turns = zeroed(p.turns, stream);
  }
  args.adds = p.adds;
  args.half = half_of_rows(p.k, p.interleaved);
  args.bias = static_cast<const __nv_bfloat16*>(p.bias);
  args.a = map_rows(p.a, p.rows, p.k, kTile.block_m);
  args.b = kLayout == WeightLayout::n_by_k
               ? map_batch(p.b, p.num_experts, p.n, p.k, 64)
               : map_weight(p.b, p.num_experts, p.k, p.n, p.interleaved);
  args.c = map_ragged_rows(p.c, p.n, kImageRows);
  start<Product>(args, num_multiprocessors, stream);
}

TokenSums::Args passenger_args(const TokenSumsProblem& p) {
  return {static_cast<const __nv_bfloat16*>(p.y),
          p.token_offsets,
          p.token_rows,
          static_cast<__nv_bfloat16*>(p.out),
          static_cast<int>(p.tokens),
          p.d};
}

template <GemmTile kTile, bool kGathered, bool kTransposed, class Passenger = NoPassenger>
void gradient_with(const WeightGradientProblem& p, int num_multiprocessors, cudaStream_t stream) {
  using Product = WeightGradient<kTile, kGathered, kTransposed, Passenger>;
  typename Product::Args args = {};
  args.dims = {p.expert_offsets, p.num_experts, p.m, p.n, 0};
  args.adds = p.adds;
  args.half = half_of_rows(p.n, p.interleaved);
  if constexpr (kGathered) {
    args.gathered = {static_cast<const __nv_bfloat16*>(p.a), p.row_tokens, p.m};
  } else {
    args.a = map_ragged_rows(p.a, p.m, kTile.block_k);
  }
  args.b = map_ragged_rows(p.b, p.n, kTile.block_k);
  args.c = kTransposed ? map_weight(p.c, p.num_experts, p.n, p.m, p.interleaved)
                       : map_batch(p.c, p.num_experts, p.m, p.n, kImageRows);
  if constexpr (Passenger::kThreads > 0) args.passenger = passenger_args(*p.passenger);
  start<Product>(args, num_multiprocessors, stream);
}

template <GemmTile kTile, bool kStreamed = false>
void rows_by_layout(const GroupedRowsProblem& p, WeightLayout layout, int num_multiprocessors,
                    cudaStream_t stream) {
  if (layout == WeightLayout::n_by_k)
    return rows_with<kTile, WeightLayout::n_by_k, kStreamed>(p, num_multiprocessors, stream);
  return rows_with<kTile, WeightLayout::k_by_n, kStreamed>(p, num_multiprocessors, stream);
}

template <GemmTile kTile>
void gradient_by_form(const WeightGradientProblem& p, int num_multiprocessors,
                      cudaStream_t stream) {
  if (p.row_tokens == nullptr)
    return gradient_with<kTile, false, false>(p, num_multiprocessors, stream);
  if (p.transposed) return gradient_with<kTile, true, true>(p, num_multiprocessors, stream);
  return gradient_with<kTile, true, false>(p, num_multiprocessors, stream);
}

}  // namespace

std::size_t stream_scratch_bytes(int num_multiprocessors) {
  const std::size_t slots = static_cast<std::size_t>(num_multiprocessors) * GemmTile::kConsumers;
  return slots * (kPartialValues * sizeof(float) + sizeof(unsigned));
}

void multiply_rows(const GroupedRowsProblem& p, WeightLayout layout, GroupedTile tile,
                   int num_multiprocessors, cudaStream_t stream) {
  require_whole_boxes(p.interleaved, layout == WeightLayout::k_by_n, p.k, p.n);
  switch (tile) {
    case GroupedTile::m128n256:
      return rows_by_layout<kTile128x256>(p, layout, num_multiprocessors, stream);
    case GroupedTile::m128n256_pair:
      return rows_by_layout<kTile128x256Pair>(p, layout, num_multiprocessors, stream);
    case GroupedTile::m128n192:
      return rows_by_layout<kTile128x192>(p, layout, num_multiprocessors, stream);
    case GroupedTile::m128n128_pair:
      return rows_by_layout<kTile128x128Pair>(p, layout, num_multiprocessors, stream);
    case GroupedTile::m128n128_ping_pong:
      return rows_by_layout<kTile128x128PingPong>(p, layout, num_multiprocessors, stream);
    case GroupedTile::m128n256_streamed:
      return rows_by_layout<kTile128x256Pair, true>(p, layout, num_multiprocessors, stream);
  }
}

void weight_gradient(const WeightGradientProblem& p, GroupedTile tile, int num_multiprocessors,
                     cudaStream_t stream) {
  require_whole_boxes(p.interleaved, p.transposed, p.n, p.m);
  if (p.passenger != nullptr)
    return gradient_with<kTile128x256Pair, true, true, TokenSums>(p, num_multiprocessors, stream);
  switch (tile) {
    case GroupedTile::m128n256:
      return gradient_by_form<kTile128x256>(p, num_multiprocessors, stream);
    case GroupedTile::m128n256_pair:
      return gradient_by_form<kTile128x256Pair>(p, num_multiprocessors, stream);
    case GroupedTile::m128n192:
      return gradient_by_form<kTile128x192>(p, num_multiprocessors, stream);
    case GroupedTile::m128n128_pair:
      return gradient_by_form<kTile128x128Pair>(p, num_multiprocessors, stream);
    case GroupedTile::m128n128_ping_pong:
      return gradient_by_form<kTile128x128PingPong>(p, num_multiprocessors, stream);
    case GroupedTile::m128n256_streamed:
      throw Error(ErrorKind::internal, "weight gradients are not streamed");
  }
}

}  // namespace moe::cuda
