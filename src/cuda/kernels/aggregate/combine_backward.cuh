// The aggregation's gradient: one warp per row, kInFlight vectors of d_out and of y loaded before the
// first is used. y and d_y pass as a stream; d_out keeps its place in the L2, since every token's
// gradient is read by all of its rows.
#pragma once

#include <cstdint>

#include "cuda/tile/row_vector.cuh"

namespace moe::cuda {

#ifndef COM_FLIGHT
#define COM_FLIGHT 4
#endif
#ifndef COM_BLOCKS
#define COM_BLOCKS 4
#endif
#ifndef COM_LD
#define COM_LD load_vector
#endif
#ifndef COM_ST
#define COM_ST store_vector_streaming
#endif

template <class Element>
struct CombineBackward {
  struct Args {
    const Element* d_out;
    const Element* y;
    const int* row_tokens;
    const int* token_rows;
    const float* row_scores;
    Element* d_y;
    float* d_scores;
    const int* expert_offsets;
    int num_experts, d;
  };
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = COM_BLOCKS, kClusterSize = 1;
  static constexpr int kInFlight = COM_FLIGHT;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const int index = (blockIdx.x * kThreads + threadIdx.x) / 32;
    if (index >= args.expert_offsets[args.num_experts]) return;
    const int row = args.token_rows[index];
    const int lane = threadIdx.x % 32;
    const float score = args.row_scores[row];
    const Element* d_out = args.d_out + static_cast<std::int64_t>(args.row_tokens[row]) * args.d;
    const std::int64_t row_begin = static_cast<std::int64_t>(row) * args.d;
    constexpr int kStep = 32 * kVectorSize<Element>;
    float dot = 0.0f;
    for (int column = lane * kVectorSize<Element>; column < args.d; column += kInFlight * kStep) {
      uint4 gradient[kInFlight], y[kInFlight];
#pragma unroll
      for (int j = 0; j < kInFlight; ++j) {
        if (column + j * kStep >= args.d) break;
        gradient[j] = load_vector(d_out + column + j * kStep);
        y[j] = COM_LD(args.y + row_begin + column + j * kStep);
      }
#pragma unroll
      for (int j = 0; j < kInFlight; ++j) {
        if (column + j * kStep >= args.d) break;
        dot += scale_and_dot(score, unpack<Element>(gradient[j]), unpack<Element>(y[j]),
                             args.d_y + row_begin + column + j * kStep);
      }
    }
#pragma unroll
    for (int half = 16; half > 0; half /= 2) dot += __shfl_xor_sync(0xffffffffu, dot, half);
    if (lane == 0) args.d_scores[row] = dot;
  }

  static __device__ __forceinline__ float scale_and_dot(float score, RowVector<Element> gradient,
                                                        const RowVector<Element>& y, Element* d_y) {
    float dot = 0.0f;
#pragma unroll
    for (int c = 0; c < kVectorSize<Element>; ++c) {
      dot += gradient.value[c] * y.value[c];
      gradient.value[c] *= score;
    }
    COM_ST(d_y, gradient);
    return dot;
  }
};

}  // namespace moe::cuda
