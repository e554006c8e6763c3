// The aggregation, bound by reading y: d * (rows + 1) elements move for every token.
//
// A warp owns 32 vectors of 16 bytes of one token. Its lanes fetch the token's row numbers and
// scales, 32 at a time, and hand them round; every lane then reads its vector of row after row.
//
//   y    row 17  [ . . . | warp 5 | . . . ]   token 3 has rows 17, 240, 911: its warps add these
//        row 240 [ . . . | warp 5 | . . . ]   columns of them, in this order
//        row 911 [ . . . | warp 5 | . . . ]
//
// The chain offsets -> row numbers -> rows is three trips to memory long and hidden by other warps
// alone: 48 of them with two loads each reach 0.97 of a copy's rate at d = 1536 on an H200, 28 with
// eight 0.93, and a persistent grid that fetches the next token's row numbers ahead 0.97 again.
#pragma once

#include <cstdint>

#include "cuda/tile/row_vector.cuh"

namespace moe::cuda {

template <class Element>
struct SumTokenRows {
  struct Args {
    const Element* y;
    const float* row_scales;
    const int* token_offsets;
    const int* token_rows;
    const Element* add;
    Element* out;
    int tokens, d;
  };
  struct SharedStorage {};
  static constexpr int kThreads = 128, kMinBlocks = 12, kClusterSize = 1;
  static constexpr int kInFlight = 2;
  static constexpr unsigned kAllLanes = 0xffffffffu;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const unsigned vectors = args.d / kVectorSize<Element>, segments = (vectors + 31) / 32;
    const unsigned warp = blockIdx.x * (kThreads / 32) + threadIdx.x / 32;
    const unsigned token = warp / segments;
    if (token >= static_cast<unsigned>(args.tokens)) return;
    const unsigned vector = warp % segments * 32 + threadIdx.x % 32;
    const bool is_inside = vector < vectors;  // lanes behind the end repeat the last vector
    const int column = (is_inside ? vector : vectors - 1) * kVectorSize<Element>;
    const std::int64_t place = static_cast<std::int64_t>(token) * args.d + column;
    RowVector<Element> sum = {};
    if (args.add != nullptr) sum = unpack<Element>(load_vector(args.add + place));
    add_token(args, token, column, sum);
    if (is_inside) store_vector_streaming(args.out + place, sum);
  }

  static __device__ __forceinline__ void add_token(const Args& args, unsigned token, int column,
                                                   RowVector<Element>& sum) {
    const int lane = threadIdx.x % 32, end = args.token_offsets[token + 1];
    const Element* y = args.y + column;
#pragma unroll 1
    for (int first = args.token_offsets[token]; first < end; first += 32) {
      const int count = min(end - first, 32);
      const int row = lane < count ? args.token_rows[first + lane] : 0;
      float scale = 1.0f;
      if (args.row_scales != nullptr && lane < count) scale = args.row_scales[row];
      int i = 0;
#pragma unroll 1
      for (; i + kInFlight <= count; i += kInFlight) {
        add_rows<kInFlight>(y, args.d, row, scale, i, sum);
      }
      if (i < count) add_rows<1>(y, args.d, row, scale, i, sum);
    }
  }

  /// Adds rows i to i + kRows of those whose numbers and scales the lanes hold.
  template <int kRows>
  static __device__ __forceinline__ void add_rows(const Element* y, int d, int row, float scale,
                                                  int i, RowVector<Element>& sum) {
    uint4 loaded[kRows];
#pragma unroll
    for (int j = 0; j < kRows; ++j) {
      const std::int64_t from = __shfl_sync(kAllLanes, row, i + j);
      loaded[j] = load_vector(y + from * d);
    }
#pragma unroll
    for (int j = 0; j < kRows; ++j) {
      const float weight = __shfl_sync(kAllLanes, scale, i + j);
      const RowVector<Element> values = unpack<Element>(loaded[j]);
#pragma unroll
      for (int c = 0; c < kVectorSize<Element>; ++c) sum.value[c] += weight * values.value[c];
    }
  }
};

}  // namespace moe::cuda
