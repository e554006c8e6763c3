// Launches of the grouped GEMM for any element type: what the files of instances share.
#pragma once

#include "cuda/kernels/gemm/grouped_gemm.cuh"
#include "cuda/runtime/element.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {

template <class Product>
void start(const typename Product::Args& args, int num_multiprocessors, cudaStream_t stream) {
  constexpr int kCluster = Product::kTile.cluster_m;
  launch<ExpertGemm<Product>>(args, dim3(num_multiprocessors / kCluster * kCluster), stream);
}

/// What one consumer warpgroup holds of a streamed tile.
inline constexpr std::size_t kPartialValues = std::size_t{64} * kTile128x256Pair.block_n;

/// Slots for the sums, then their flags, which are set to zero.
inline PartialSums partial_sums(void* scratch, int num_multiprocessors, cudaStream_t stream) {
  if (scratch == nullptr)
    throw Error(ErrorKind::internal, "grouped GEMM: no scratch for a streamed tile");
  const std::size_t slots = static_cast<std::size_t>(num_multiprocessors) * GemmTile::kConsumers;
  auto* values = static_cast<float*>(scratch);
  auto* ready = reinterpret_cast<unsigned*>(values + slots * kPartialValues);
  MOE_CUDA_CHECK(cudaMemsetAsync(ready, 0, slots * sizeof(unsigned), stream));
  return {values, ready};
}

/// Of [E, rows, columns].
inline CUtensorMap map_weight(const void* weight, DType dtype, int num_experts, int rows,
                              int columns, bool interleaved) {
  return interleaved ? map_batch(weight, dtype, num_experts, rows / 2, 2 * columns, 64)
                     : map_batch(weight, dtype, num_experts, rows, columns, 64);
}

template <class Element, GemmTile kTile, WeightLayout kLayout, bool kStreamed = false>
void rows_with(const GroupedRowsProblem& p, int num_multiprocessors, cudaStream_t stream) {
  using Product = MultiplyRows<Element, kLayout, kTile, kStreamed>;
  constexpr DType kType = kDTypeOf<Element>;
  typename Product::Args args = {};
  args.dims = {p.expert_offsets, p.num_experts, 0, p.n, p.k, nullptr};
  if constexpr (kStreamed) {
    args.partials = partial_sums(p.stream_scratch, num_multiprocessors, stream);
  } else {
    args.dims.turns = zeroed(p.turns, stream);
  }
  args.adds = p.adds;
  args.half = half_of_rows(p.k, p.interleaved);
  args.bias = static_cast<const Element*>(p.bias);
  args.a = map_rows(p.a, kType, p.rows, p.k, kTile.block_m);
  args.b = kLayout == WeightLayout::n_by_k
               ? map_batch(p.b, kType, p.num_experts, p.n, p.k, 64)
               : map_weight(p.b, kType, p.num_experts, p.k, p.n, p.interleaved);
  args.c = map_ragged_rows(p.c, kType, p.n, kImageRows);
  start<Product>(args, num_multiprocessors, stream);
}

template <class Element, GemmTile kTile, bool kGathered, bool kTransposed>
void gradient_with(const WeightGradientProblem& p, int num_multiprocessors, cudaStream_t stream) {
  using Product = WeightGradient<Element, kTile, kGathered, kTransposed>;
  constexpr DType kType = kDTypeOf<Element>;
  typename Product::Args args = {};
  args.dims = {p.expert_offsets, p.num_experts, p.m, p.n, 0};
  args.adds = p.adds;
  args.half = half_of_rows(p.n, p.interleaved);
  if constexpr (kGathered) {
    args.gathered = {static_cast<const std::uint16_t*>(p.a), p.row_tokens, p.m};
  } else {
    args.a = map_ragged_rows(p.a, kType, p.m, kTile.block_k);
  }
  args.b = map_ragged_rows(p.b, kType, p.n, kTile.block_k);
  args.c = kTransposed ? map_weight(p.c, kType, p.num_experts, p.n, p.m, p.interleaved)
                       : map_batch(p.c, kType, p.num_experts, p.m, p.n, kImageRows);
  start<Product>(args, num_multiprocessors, stream);
}

template <class Element, GemmTile kTile, bool kStreamed = false>
void rows_by_layout(const GroupedRowsProblem& p, WeightLayout layout, int num_multiprocessors,
                    cudaStream_t stream) {
  if (layout == WeightLayout::n_by_k)
    return rows_with<Element, kTile, WeightLayout::n_by_k, kStreamed>(p, num_multiprocessors,
                                                                      stream);
  return rows_with<Element, kTile, WeightLayout::k_by_n, kStreamed>(p, num_multiprocessors, stream);
}

template <class Element, GemmTile kTile>
void gradient_by_form(const WeightGradientProblem& p, int num_multiprocessors,
                      cudaStream_t stream) {
  if (p.row_tokens == nullptr)
    return gradient_with<Element, kTile, false, false>(p, num_multiprocessors, stream);
  if (p.transposed)
    return gradient_with<Element, kTile, true, true>(p, num_multiprocessors, stream);
  return gradient_with<Element, kTile, true, false>(p, num_multiprocessors, stream);
}

}  // namespace moe::cuda
