// The gather: bound by memory, nothing but 16-byte loads and stores. A warp takes a segment of a
// token, 4 x 32 x 16 bytes, keeps it in registers and writes it to each of the token's rows. Rows
// are marked to leave the cache first, which keeps the source in it.
#pragma once

#include <cstdint>

#include "cuda/kernels/permute/gather_rows.h"

namespace moe::cuda {

struct GatherRows {
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 1;
  static constexpr int kClusterSize = 1;
  static constexpr int kWarps = kThreads / 32;
  static constexpr int kLaneVectors = 4;
  static constexpr int kSegmentVectors = 32 * kLaneVectors;

  struct Args {
    const uint4* source;                // [T, vectors]
    uint4* rows;                        // [rows, vectors]
    const std::int32_t* token_offsets;  // [T + 1]
    const std::int32_t* token_rows;     // [rows]
    std::int64_t tokens;
    int vectors;   // of 16 bytes, per row
    int segments;  // per row
  };
  struct SharedStorage {};

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    // 32 bits are enough: 2^32 segments are 8 TiB.
    const unsigned item = blockIdx.x * kWarps + threadIdx.x / 32;
    const unsigned token = item / args.segments;
    if (token >= args.tokens) return;
    const int first = (item - token * args.segments) * kSegmentVectors + threadIdx.x % 32;
    const int begin = args.token_offsets[token], end = args.token_offsets[token + 1];
    const uint4* source = args.source + static_cast<std::int64_t>(token) * args.vectors;
    uint4 values[kLaneVectors];
#pragma unroll
    for (int i = 0; i < kLaneVectors; ++i) {
      if (first + 32 * i < args.vectors) values[i] = __ldg(source + first + 32 * i);
    }
    for (int at = begin; at < end; ++at) {
      uint4* row =
          args.rows + static_cast<std::int64_t>(__ldg(args.token_rows + at)) * args.vectors;
#pragma unroll
      for (int i = 0; i < kLaneVectors; ++i) {
        if (first + 32 * i < args.vectors) __stcs(row + first + 32 * i, values[i]);
      }
    }
  }
};

}  // namespace moe::cuda
