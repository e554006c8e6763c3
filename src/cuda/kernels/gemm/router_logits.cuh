// The router's product as a Product of the expert skeleton: one expert that has every token. Its
// result is float32 and goes to memory straight from the accumulators, 32 bytes at a time: there is
// little of it beside X.
#pragma once

#include "cuda/kernels/gemm/grouped_gemm.cuh"
#include "cuda/kernels/gemm/skeleton/expert_gemm.cuh"

namespace moe::cuda {

template <GemmTile kTileValue>
struct RouterLogits {
  struct Args {
    ExpertDims dims;
    NoPassenger::Args passenger;
    CUtensorMap x, w_router;
    const __nv_bfloat16* b_router;
    float* logits;
  };
  using Passenger = NoPassenger;
  static constexpr GemmTile kTile = kTileValue;
  static constexpr Ragged kRagged = Ragged::rows;
  static constexpr ptx::Major kMajorA = ptx::Major::k, kMajorB = ptx::Major::k;
  static constexpr bool kGathersA = false;
  static constexpr bool kStreams = false;
  static constexpr int kTailSteps = 0;

  static __device__ __forceinline__ void load_a(const Args& args, std::byte* smem,
                                                ptx::Mbarrier* filled, const TileWork& work,
                                                int step) {
    ptx::tma_load_2d(smem, args.x, filled, step * kTile.block_k,
                     work.tile.row_tile * kTile.block_m);
  }

  template <bool kMulticast>
  static __device__ __forceinline__ void load_b_box(const Args& args, std::byte* smem,
                                                    ptx::Mbarrier* filled, const TileWork& work,
                                                    int step, int box) {
    const int expert = work.tile.column_tile * kTile.block_n + box * 64, k = step * kTile.block_k;
    if constexpr (kMulticast) {
      ptx::tma_load_3d_multicast(smem, args.w_router, filled, kBothCtas, k, expert, 0);
    } else {
      ptx::tma_load_3d(smem, args.w_router, filled, k, expert, 0);
    }
  }

  class Epilogue {
   public:
    struct Storage {};
    static __device__ __forceinline__ void init(Storage&) {}
    __device__ __forceinline__ Epilogue(const Args& args, Storage&, int thread, int)
        : args_(args), thread_(thread) {}
    __device__ __forceinline__ void begin(const TileWork&, int) {}
    __device__ __forceinline__ void finish_empty(const TileWork&, int) {}

    __device__ __forceinline__ void finish(const TileWork& work, int row,
                                           const float (&acc)[kTile.block_n / 2]) {
      const int first = row + thread_ / 32 * 16 + thread_ % 32 / 4;
      const int first_column = work.tile.column_tile * kTile.block_n + 2 * (thread_ % 4);
#pragma unroll
      for (int group = 0; group < kTile.block_n / 8; ++group) {
        const int column = first_column + 8 * group;
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          if (first + 8 * half < work.row_count)
            store_pair(first + 8 * half, column, acc[4 * group + 2 * half],
                       acc[4 * group + 2 * half + 1]);
        }
      }
    }

   private:
    /// Columns `column` and the next. Rows of an odd length are not aligned for both at once.
    __device__ __forceinline__ void store_pair(int row, int column, float low, float high) {
      const int n = args_.dims.n;
      if (column >= n) return;
      const bool has_high = column + 1 < n;
      if (args_.b_router != nullptr) {
        low += __bfloat162float(args_.b_router[column]);
        if (has_high) high += __bfloat162float(args_.b_router[column + 1]);
      }
      float* at = args_.logits + std::int64_t{row} * n + column;
      if (n % 2 == 0) {
        *reinterpret_cast<float2*>(at) = make_float2(low, high);
      } else {
        at[0] = low;
        if (has_high) at[1] = high;
      }
    }

    const Args& args_;
    int thread_;
  };
};

}  // namespace moe::cuda
