// The aggregation, bound by reading y: d * (rows + 1) elements move for every token.
//
// A warp owns 32 vectors of 16 bytes of one token. Its lanes fetch the token's row numbers and
// scales, 32 at a time, and hand them round; every lane then reads its vector of row after row.
//
//   y    row 17  [ . . . | warp 5 | . . . ]   token 3 has rows 17, 240, 911: its warps add these
//        row 240 [ . . . | warp 5 | . . . ]   columns of them, in this order
//        row 911 [ . . . | warp 5 | . . . ]
//
// A token's row of d_logits is read the same way where the router's part is added: the rows of
// w_router that it wants are few, and in L2.
//
// The chain offsets -> row numbers -> rows is three trips to memory long and hidden by other warps
// alone: 48 of them with two loads each reach 0.97 of a copy's rate at d = 1536 on an H200, 28 with
// eight 0.93, and a persistent grid that fetches the next token's row numbers ahead 0.97 again.
#pragma once

#include <cstdint>

#include "cuda/tile/row_vector.cuh"

namespace moe::cuda {

/// `kHasRouter`: the router's part is added.
template <class Element, bool kHasRouter>
struct SumTokenRows {
  struct Args {
    const Element* y;
    const float* row_scales;
    const int* token_offsets;
    const int* token_rows;
    const Element* add;
    Element* out;
    int tokens, d;
    const Element *d_logits, *w_router;
    int num_experts;
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
    if constexpr (kHasRouter) add_router_part(args, token, column, sum);
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

  /// Lanes look at 32 experts at a time; those with a gradient are taken in pairs, to have two
  /// loads under way. An odd one is paired with itself, and nothing.
  static __device__ __forceinline__ void add_router_part(const Args& args, unsigned token,
                                                         int column, RowVector<Element>& sum) {
    const int lane = threadIdx.x % 32;
    const Element* d_logits = args.d_logits + static_cast<std::int64_t>(token) * args.num_experts;
    const auto d_logit_of = [&](int expert) {
      return expert < args.num_experts ? static_cast<float>(d_logits[expert]) : 0.0f;
    };
    float next = d_logit_of(lane);
#pragma unroll 1
    for (int first = 0; first < args.num_experts; first += 32) {
      const float d_logit = next;
      next = d_logit_of(first + 32 + lane);
      unsigned left = __ballot_sync(kAllLanes, d_logit != 0.0f);
      while (left != 0) {
        int source[2];
        source[0] = source[1] = __ffs(left) - 1;
        left &= left - 1;
        const bool has_second = left != 0;
        if (has_second) source[1] = __ffs(left) - 1;
        left &= left - 1;
        uint4 loaded[2];
#pragma unroll
        for (int j = 0; j < 2; ++j) {
          const std::int64_t from = first + source[j];
          loaded[j] = load_vector(args.w_router + from * args.d + column);
        }
        add_scaled(loaded[0], __shfl_sync(kAllLanes, d_logit, source[0]), sum);
        const float second = __shfl_sync(kAllLanes, d_logit, source[1]);
        if (has_second) add_scaled(loaded[1], second, sum);
      }
    }
  }

  static __device__ __forceinline__ void add_scaled(uint4 words, float scale,
                                                    RowVector<Element>& sum) {
    const RowVector<Element> values = unpack<Element>(words);
#pragma unroll
    for (int c = 0; c < kVectorSize<Element>; ++c) sum.value[c] += scale * values.value[c];
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
      add_scaled(loaded[j], __shfl_sync(kAllLanes, scale, i + j), sum);
    }
  }
};

}  // namespace moe::cuda
