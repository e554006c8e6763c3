// The aggregation, bound by reading y: d * (rows + 1) elements move for every token.
//
// A warp owns 32 vectors of 16 bytes of one token. Its lanes fetch the token's row numbers, 32 at a time,
// and hand them round; kInFlight rows are loaded before the first is added. Rows of y are read once, so
// they pass through the L2 as a stream.
#pragma once

#include <cstdint>

#include "cuda/tile/row_vector.cuh"

namespace moe::cuda {

#ifndef SUM_FLIGHT
#define SUM_FLIGHT 8
#endif
#ifndef SUM_THREADS
#define SUM_THREADS 256
#endif
#ifndef SUM_SEG
#define SUM_SEG 1
#endif
#ifndef SUM_BLOCKS
#define SUM_BLOCKS 3
#endif
#ifndef SUM_LD
#define SUM_LD load_vector
#endif
#ifndef SUM_ST
#define SUM_ST store_vector
#endif

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
  static constexpr int kThreads = SUM_THREADS, kMinBlocks = SUM_BLOCKS, kClusterSize = 1;
  static constexpr int kInFlight = SUM_FLIGHT;
  static constexpr unsigned kAll = 0xffffffffu;

#ifndef SUM_PERSIST
  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const unsigned vectors = args.d / kVectorSize<Element>, segments = (vectors + 31) / 32;
    const unsigned units = (segments + SUM_SEG - 1) / SUM_SEG;
    const unsigned warp = (blockIdx.x * kThreads + threadIdx.x) / 32, token = warp / units;
    if (token >= static_cast<unsigned>(args.tokens)) return;
    const int begin = args.token_offsets[token], end = args.token_offsets[token + 1];
    const int lane = threadIdx.x % 32;
    const int row = lane < end - begin ? args.token_rows[begin + lane] : 0;
#pragma unroll 1
    for (unsigned s = 0; s < SUM_SEG; ++s) {
      const unsigned vector = (warp % units * SUM_SEG + s) * 32 + threadIdx.x % 32;
      const bool is_inside = vector < vectors;
      const int column = (is_inside ? vector : vectors - 1) * kVectorSize<Element>;
      const RowVector<Element> sum = sum_of(args, token, begin, end, row, column);
      if (is_inside) SUM_ST(args.out + static_cast<std::int64_t>(token) * args.d + column, sum);
    }
  }
#else
  struct Unit {
    unsigned token, segment;
    int begin, end;
  };
  static __device__ __forceinline__ Unit unit_of(const Args& args, unsigned index, unsigned segments) {
    Unit unit = {index / segments, index % segments, 0, 0};
    if (unit.token < static_cast<unsigned>(args.tokens)) {
      unit.begin = args.token_offsets[unit.token];
      unit.end = args.token_offsets[unit.token + 1];
    }
    return unit;
  }
  static __device__ __forceinline__ int row_of(const Args& args, int first, int end) {
    const int at = first + static_cast<int>(threadIdx.x % 32);
    return at < end ? args.token_rows[at] : 0;
  }
  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const unsigned vectors = args.d / kVectorSize<Element>, segments = (vectors + 31) / 32;
    const unsigned stride = gridDim.x * (kThreads / 32);
    unsigned index = (blockIdx.x * kThreads + threadIdx.x) / 32;
    Unit unit = unit_of(args, index, segments), next = unit_of(args, index + stride, segments);
    int row = row_of(args, unit.begin, unit.end);
#pragma unroll 1
    while (unit.token < static_cast<unsigned>(args.tokens)) {
      const int next_row = row_of(args, next.begin, next.end);
      index += stride;
      const Unit later = unit_of(args, index + stride, segments);
      const unsigned vector = unit.segment * 32 + threadIdx.x % 32;
      const bool is_inside = vector < vectors;
      const int column = (is_inside ? vector : vectors - 1) * kVectorSize<Element>;
      const RowVector<Element> sum = sum_of(args, unit.token, unit.begin, unit.end, row, column);
      if (is_inside) SUM_ST(args.out + static_cast<std::int64_t>(unit.token) * args.d + column, sum);
      unit = next;
      next = later;
      row = next_row;
    }
  }
#endif

  static __device__ __forceinline__ RowVector<Element> sum_of(const Args& args, unsigned token, int begin, int end, int row, int column) {
    RowVector<Element> sum = {};
    if (args.add != nullptr) {
      sum = unpack<Element>(SUM_LD(args.add + static_cast<std::int64_t>(token) * args.d + column));
    }
    const int lane = threadIdx.x % 32;
#pragma unroll 1
    for (int first = begin; first < end; first += 32) {
      const int count = min(end - first, 32);
      if (first > begin) row = lane < count ? args.token_rows[first + lane] : 0;
      const float scale = args.row_scales == nullptr ? 1.0f : args.row_scales[row];
      const Element* y = args.y + column;
      int i = 0;
#pragma unroll 1
      for (; i + kInFlight <= count; i += kInFlight) add_rows<kInFlight>(y, args.d, row, scale, i, sum);
      if (kInFlight > 4 && (count & 4)) add_rows<4>(y, args.d, row, scale, i, sum), i += 4;
      if (count & 2) add_rows<2>(y, args.d, row, scale, i, sum), i += 2;
      if (count & 1) add_rows<1>(y, args.d, row, scale, i, sum);
    }
    return sum;
  }

  /// Adds rows i to i + kRows of those whose numbers and scales the lanes hold.
  template <int kRows>
  static __device__ __forceinline__ void add_rows(const Element* y, int d, int row, float scale, int i,
                                                  RowVector<Element>& sum) {
    uint4 loaded[kRows];
#pragma unroll
    for (int j = 0; j < kRows; ++j) {
      const std::int64_t from = __shfl_sync(kAll, row, i + j);
      loaded[j] = SUM_LD(y + from * d);
    }
#pragma unroll
    for (int j = 0; j < kRows; ++j) {
      const float weight = __shfl_sync(kAll, scale, i + j);
      const RowVector<Element> values = unpack<Element>(loaded[j]);
#pragma unroll
      for (int c = 0; c < kVectorSize<Element>; ++c) sum.value[c] += weight * values.value[c];
    }
  }
};

}  // namespace moe::cuda
