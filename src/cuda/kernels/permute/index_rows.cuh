// Rows of one expert, picked up and put back: bound by memory. A warp takes 32 vectors of 16 bytes
// of one row, a lane each.
#pragma once

#include <cstdint>

#include "cuda/tile/row_vector.cuh"

namespace moe::cuda {

template <class Element>
struct IndexRowsArgs {
  const Element* from;
  Element* to;
  const int* row_tokens;
  const float* row_scales;
  unsigned rows;
  int d;
};

/// The vector of a thread: its row, and its first element in arrays by row and by token.
struct IndexPlace {
  unsigned row;
  std::int64_t by_row, by_token;
  bool is_inside;
};

template <class Element>
__device__ __forceinline__ IndexPlace index_place(const IndexRowsArgs<Element>& args, int threads) {
  const unsigned vectors = args.d / kVectorSize<Element>, segments = (vectors + 31) / 32;
  const unsigned warp = blockIdx.x * (threads / 32) + threadIdx.x / 32;
  const unsigned row = warp / segments, vector = warp % segments * 32 + threadIdx.x % 32;
  if (row >= args.rows || vector >= vectors) return {0, 0, 0, false};
  const int column = static_cast<int>(vector) * kVectorSize<Element>;
  return {row, static_cast<std::int64_t>(row) * args.d + column,
          static_cast<std::int64_t>(args.row_tokens[row]) * args.d + column, true};
}

template <class Element>
struct SelectRows {
  using Args = IndexRowsArgs<Element>;
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = 4, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const IndexPlace place = index_place(args, kThreads);
    if (!place.is_inside) return;
    *reinterpret_cast<uint4*>(args.to + place.by_row) = load_vector(args.from + place.by_token);
  }
};

template <class Element>
struct AddRows {
  using Args = IndexRowsArgs<Element>;
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = 4, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const IndexPlace place = index_place(args, kThreads);
    if (!place.is_inside) return;
    const float scale = args.row_scales == nullptr ? 1.0f : args.row_scales[place.row];
    const uint4 row_words = load_vector(args.from + place.by_row),
                sum_words = load_vector(args.to + place.by_token);
    const RowVector<Element> row = unpack<Element>(row_words);
    RowVector<Element> sum = unpack<Element>(sum_words);
#pragma unroll
    for (int c = 0; c < kVectorSize<Element>; ++c) sum.value[c] += scale * row.value[c];
    store_vector(args.to + place.by_token, sum);
  }
};

}  // namespace moe::cuda
