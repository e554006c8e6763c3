// The gradient of a bias, bound by reading the rows.
//
// A CTA takes one expert and 32 vectors of columns. Its warps take every 16th row of the expert, a
// lane a vector of each, and their sums meet in shared memory:
//
//   rows of e    warp 0 | 1 | ... | 15 | 0 | 1 | ...
//   partial      [16 warps][columns]  ->  d_bias[e]
#pragma once

#include <cstdint>

#include "cuda/tile/row_vector.cuh"

namespace moe::cuda {

/// kWidth: columns of a lane, 8 where rows are whole vectors, else 1.
template <class Element, int kWidth>
struct BiasGradient {
  struct Args {
    const Element* rows;
    const int* row_tokens;
    const float* row_scales;
    const int* expert_offsets;
    std::int64_t num_rows, chunk_rows;
    int columns;
    Element* d_bias;
    bool adds;
    const Element* bias;
    float *dots, *chunk_sums;
    bool interleaved;
  };
  static constexpr int kThreads = 512, kMinBlocks = 2, kClusterSize = 1;
  static constexpr int kWarps = kThreads / 32, kBlockColumns = 32 * kWidth;
  struct SharedStorage {
    float partial[kWarps][kBlockColumns];
  };

  struct Vector {
    float value[kWidth];
  };

  static __device__ __forceinline__ Vector load(const Element* at, bool is_inside) {
    Vector vector = {};
    if (!is_inside) return vector;
    if constexpr (kWidth == 1) {
      vector.value[0] = static_cast<float>(*at);
    } else {
      const RowVector<Element> loaded = unpack<Element>(load_vector(at));
#pragma unroll
      for (int i = 0; i < kWidth; ++i) vector.value[i] = loaded.value[i];
    }
    return vector;
  }

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int expert = blockIdx.y;  // or a chunk of the rows of all
    const int column = static_cast<int>(blockIdx.x) * kBlockColumns + lane * kWidth;
    const bool is_inside = column < args.columns;
    const bool is_chunk = args.expert_offsets == nullptr;
    const std::int64_t begin = is_chunk ? expert * args.chunk_rows : args.expert_offsets[expert];
    const std::int64_t end = is_chunk ? min(begin + args.chunk_rows, args.num_rows)
                                      : std::int64_t{args.expert_offsets[expert + 1]};
    const std::int64_t own = std::int64_t{expert} * args.columns + column;
    const bool has_dots = args.bias != nullptr;
    const Vector bias = load(args.bias + own, has_dots && is_inside);
    Vector sum = {};
    for (std::int64_t r = begin + warp; r < end; r += kWarps) {
      const std::int64_t from = args.row_tokens == nullptr ? r : args.row_tokens[r];
      const Vector row = load(args.rows + from * args.columns + column, is_inside);
      const float scale = args.row_scales == nullptr ? 1.0f : args.row_scales[r];
      float dot = 0.0f;
#pragma unroll
      for (int i = 0; i < kWidth; ++i) {
        sum.value[i] += scale * row.value[i];
        dot += row.value[i] * bias.value[i];
      }
      if (!has_dots) continue;
      for (int step = 16; step > 0; step /= 2) dot += __shfl_xor_sync(0xffffffffu, dot, step);
      if (lane == 0) args.dots[blockIdx.x * args.num_rows + r] = dot;
    }
    if (args.d_bias == nullptr) return;
#pragma unroll
    for (int i = 0; i < kWidth; ++i) shared.partial[warp][lane * kWidth + i] = sum.value[i];
    __syncthreads();
    finish(args, shared, expert);
  }

  static __device__ __forceinline__ void finish(const Args& args, const SharedStorage& shared,
                                                int expert) {
    const int own = threadIdx.x, column = static_cast<int>(blockIdx.x) * kBlockColumns + own;
    if (own >= kBlockColumns || column >= args.columns) return;
    float sum = 0.0f;
    for (int warp = 0; warp < kWarps; ++warp) sum += shared.partial[warp][own];
    const std::int64_t first = std::int64_t{expert} * args.columns;
    if (args.expert_offsets == nullptr) {
      args.chunk_sums[first + column] = sum;
      return;
    }
    const int half = args.columns / 2;
    const int place = args.interleaved ? column % half * 2 + column / half : column;
    Element& out = args.d_bias[first + place];
    out = static_cast<Element>(args.adds ? static_cast<float>(out) + sum : sum);
  }
};

/// d_bias from the sums of the chunks: one thread per column.
template <class Element>
struct AddChunks {
  struct Args {
    const float* chunk_sums;
    Element* d_bias;
    int chunks, columns;
    bool adds;
  };
  struct SharedStorage {};
  static constexpr int kThreads = 128, kMinBlocks = 1, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const int column = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
    if (column >= args.columns) return;
    float sum = args.adds ? static_cast<float>(args.d_bias[column]) : 0.0f;
    for (int chunk = 0; chunk < args.chunks; ++chunk)
      sum += args.chunk_sums[std::int64_t{chunk} * args.columns + column];
    args.d_bias[column] = static_cast<Element>(sum);
  }
};

}  // namespace moe::cuda
