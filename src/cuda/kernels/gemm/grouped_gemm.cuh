// The products of the grouped GEMM as Products of the expert skeleton.
#pragma once

#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/skeleton/expert_gemm.cuh"
#include "cuda/kernels/gemm/skeleton/store_rows.cuh"

namespace moe::cuda {

inline constexpr std::uint16_t kBothCtas = 3;  // multicast mask of a pair

/// C rows = A rows B[e].
template <class ElementType, WeightLayout kLayout, GemmTile kTileValue, bool kStreamed>
struct MultiplyRows {
  using Element = ElementType;
  struct Args {
    ExpertDims dims;
    CUtensorMap a, b, c;
    const Element* bias;
    PartialSums partials;
    int half;  // half_of_rows() of B[e] [k, n]
    bool adds;
  };
  static constexpr GemmTile kTile = kTileValue;
  static constexpr Ragged kRagged = Ragged::rows;
  static constexpr ptx::Major kMajorA = ptx::Major::k;
  static constexpr ptx::Major kMajorB =
      kLayout == WeightLayout::n_by_k ? ptx::Major::k : ptx::Major::mn;
  static constexpr bool kGathersA = false;
  static constexpr int kTailSteps = 0;
  static constexpr bool kStreams = kStreamed;
  using Epilogue = StoreRows<Element, Args, kRagged, kTile.block_n, false>;

  static __device__ __forceinline__ void load_a(const Args& args, std::byte* smem,
                                                ptx::Mbarrier* filled, const TileWork& work,
                                                int step) {
    // Rows behind the expert are another's; their products are not stored.
    ptx::tma_load_2d(smem, args.a, filled, step * kTile.block_k,
                     work.row_begin + work.tile.row_tile * kTile.block_m);
  }

  template <bool kMulticast>
  static __device__ __forceinline__ void load_b_box(const Args& args, std::byte* smem,
                                                    ptx::Mbarrier* filled, const TileWork& work,
                                                    int step, int box) {
    const int n = work.tile.column_tile * kTile.block_n + box * 64, k = step * kTile.block_k;
    int inner = kLayout == WeightLayout::n_by_k ? k : n,
        outer = kLayout == WeightLayout::n_by_k ? n : k;
    if constexpr (kLayout == WeightLayout::k_by_n)
      place_interleaved(inner, outer, args.dims.n, args.half);
    if constexpr (kMulticast) {
      ptx::tma_load_3d_multicast(smem, args.b, filled, kBothCtas, inner, outer, work.expert);
    } else {
      ptx::tma_load_3d(smem, args.b, filled, inner, outer, work.expert);
    }
  }
};

/// C[e] = A^T B over the expert's rows. A comes by the copy engine or is gathered by token.
template <class ElementType, GemmTile kTileValue, bool kGathered, bool kTransposed>
struct WeightGradient {
  using Element = ElementType;
  struct Args {
    ExpertDims dims;
    CUtensorMap a, b, c;
    GatheredRows gathered;
    int half;  // half_of_rows() of C[e]^T
    bool adds;
  };
  static constexpr GemmTile kTile = kTileValue;
  static constexpr Ragged kRagged = Ragged::reduction;
  static constexpr ptx::Major kMajorA = ptx::Major::mn, kMajorB = ptx::Major::mn;
  static constexpr bool kGathersA = kGathered;
  static constexpr int kTailSteps = 0;
  static constexpr bool kStreams = false;
  using Epilogue = StoreRows<Element, Args, kRagged, kTile.block_n, kTransposed>;

  static __device__ __forceinline__ const GatheredRows& gathered(const Args& args) {
    return args.gathered;
  }

  /// Ragged loads: rows behind the expert's last arrive as zeros, so that nothing of a neighbour is
  /// summed.
  static __device__ __forceinline__ void load_a(const Args& args, std::byte* smem,
                                                ptx::Mbarrier* filled, const TileWork& work,
                                                int step) {
    const RaggedRow at(work, step * kTile.block_k);
#pragma unroll
    for (int box = 0; box < kTile.block_m / 64; ++box) {
      ptx::tma_load_4d(smem + box * 8192, args.a, filled,
                       work.tile.row_tile * kTile.block_m + box * 64, at.row, at.base, kRaggedRows);
    }
  }

  template <bool kMulticast>
  static __device__ __forceinline__ void load_b_box(const Args& args, std::byte* smem,
                                                    ptx::Mbarrier* filled, const TileWork& work,
                                                    int step, int box) {
    const RaggedRow at(work, step * kTile.block_k);
    const int n = work.tile.column_tile * kTile.block_n + box * 64;
    if constexpr (kMulticast) {
      ptx::tma_load_4d_multicast(smem, args.b, filled, kBothCtas, n, at.row, at.base, kRaggedRows);
    } else {
      ptx::tma_load_4d(smem, args.b, filled, n, at.row, at.base, kRaggedRows);
    }
  }
};

}  // namespace moe::cuda
