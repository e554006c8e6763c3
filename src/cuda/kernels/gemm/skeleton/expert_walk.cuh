// The walk of a cluster over all experts' tiles, on the device.
#pragma once

#include "cuda/kernels/gemm/skeleton/expert_schedule.h"
#include "cuda/kernels/gemm/skeleton/gemm_tile.h"

namespace moe::cuda {

/// What the reduction of a product runs over, and what has a different length for every expert.
enum class Ragged {
  rows,       // C rows are the expert's rows; the reduction is a model dimension
  reduction,  // the reduction runs over the expert's rows; C has model dimensions
};

/// One tile of work, as every role of a CTA sees it.
struct TileWork {
  int expert;
  int row_begin, row_count;  // of the expert
  TileOfPair tile;
  int k_begin, k_steps;  // steps of the reduction; k_begin is 0 unless units are streamed
  int helpers;           // see UnitPiece
};

/// Sizes of a product: the one of m and k that is ragged is ignored.
struct ExpertDims {
  const int* expert_offsets;  // [num_experts + 1]
  int num_experts;
  int m, n, k;
  unsigned* turns = nullptr;  // done by all CTAs together, zero at the start; null: nobody waits
};

/// Walks the units of one cluster, expert by expert. Every warp walks by itself: the state is a
/// handful of registers, and experts are scanned 32 at a time.
template <Ragged kRagged, GemmTile kTile>
class ExpertWalk {
 public:
  __device__ __forceinline__ ExpertWalk(const ExpertDims& dims, int cluster, int num_clusters,
                                        int rank)
      : dims_(dims),
        unit_(cluster),
        stride_(num_clusters),
        rank_(rank),
        column_tiles_((dims.n + kTile.block_n - 1) / kTile.block_n) {}

  /// False behind the last unit. Must be called by whole warps.
  __device__ __forceinline__ bool next(TileWork& work) {
    if (!find(unit_, work)) return false;
    const int reduction = kRagged == Ragged::rows ? dims_.k : work.row_count;
    work.k_begin = work.helpers = 0;
    work.k_steps = (reduction + kTile.block_k - 1) / kTile.block_k;
    unit_ += stride_;
    return true;
  }

  /// Units of all experts. Must be called by whole warps.
  __device__ __forceinline__ int count_units() const {
    int units = 0;
    for (int first = 0; first < dims_.num_experts; first += 32) {
      units += rows_of(first + static_cast<int>(threadIdx.x % 32)).units;
    }
    return __reduce_add_sync(0xffffffffu, units);
  }

  /// Expert and tile of a unit; false behind the last one. Units must come in rising order.
  __device__ __forceinline__ bool find(int unit, TileWork& work) {
    const int lane = threadIdx.x % 32;
    while (first_expert_ < dims_.num_experts) {
      const auto [begin, count, units] = rows_of(first_expert_ + lane);
      int end = units;  // inclusive prefix sum over the lanes
#pragma unroll
      for (int step = 1; step < 32; step *= 2) {
        const int below = __shfl_up_sync(0xffffffffu, end, step);
        if (lane >= step) end += below;
      }
      const unsigned found = __ballot_sync(0xffffffffu, unit < base_ + end);
      if (found != 0) {
        const int owner = __ffs(found) - 1;
        work.expert = first_expert_ + owner;
        work.row_begin = __shfl_sync(0xffffffffu, begin, owner);
        work.row_count = __shfl_sync(0xffffffffu, count, owner);
        const int first_unit = base_ + __shfl_sync(0xffffffffu, end - units, owner);
        work.tile = tile_of_unit(unit - first_unit, rank_, row_tiles(work.row_count), column_tiles_,
                                 kTile.cluster_m);
        return true;
      }
      base_ += __shfl_sync(0xffffffffu, end, 31);
      first_expert_ += 32;
    }
    return false;
  }

 private:
  struct Rows {
    int begin, count, units;
  };
  __device__ __forceinline__ Rows rows_of(int expert) const {
    if (expert >= dims_.num_experts) return {0, 0, 0};
    const int begin = dims_.expert_offsets[expert];
    const int count = dims_.expert_offsets[expert + 1] - begin;
    return {begin, count, units_of_expert(row_tiles(count), column_tiles_, kTile.cluster_m)};
  }

  __device__ __forceinline__ int row_tiles(int count) const {
    const int rows = kRagged == Ragged::rows ? count : dims_.m;
    return (rows + kTile.block_m - 1) / kTile.block_m;
  }

  const ExpertDims& dims_;
  int unit_, stride_, rank_, column_tiles_;
  int first_expert_ = 0, base_ = 0;
};

/// The same walk over pieces of units.
template <GemmTile kTile>
class StreamedWalk {
 public:
  __device__ __forceinline__ StreamedWalk(const ExpertDims& dims, int cluster, int num_clusters,
                                          int rank)
      : walk_(dims, cluster, num_clusters, rank),
        stream_(walk_.count_units(), (dims.k + kTile.block_k - 1) / kTile.block_k, cluster,
                num_clusters) {}

  __device__ __forceinline__ bool next(TileWork& work) {
    UnitPiece piece;
    if (!stream_.next(piece)) return false;
    walk_.find(piece.unit, work);
    work.k_begin = piece.k_begin;
    work.k_steps = piece.k_steps;
    work.helpers = piece.helpers;
    return true;
  }

 private:
  ExpertWalk<Ragged::rows, kTile> walk_;
  UnitStream stream_;
};

}  // namespace moe::cuda
