// The walk of a cluster over all experts' tiles, on the device.
#pragma once

#include "cuda/kernels/gemm/expert_schedule.h"
#include "cuda/kernels/gemm/gemm_tile.h"

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
  int k_steps;
};

/// Sizes of a product: the one of m and k that is ragged is ignored, but m where nobody has
/// offsets.
struct ExpertDims {
  const int* expert_offsets;  // [num_experts + 1]; null: one expert has all m rows
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
    const int lane = threadIdx.x % 32;
    while (first_expert_ < dims_.num_experts) {
      const int expert = first_expert_ + lane;
      int begin = 0, count = 0, units = 0;
      if (expert < dims_.num_experts) {
        const bool is_ragged = dims_.expert_offsets != nullptr;
        begin = is_ragged ? dims_.expert_offsets[expert] : 0;
        count = is_ragged ? dims_.expert_offsets[expert + 1] - begin : dims_.m;
        units = units_of_expert(row_tiles(count), column_tiles_, kTile.cluster_m);
      }
      int end = units;  // inclusive prefix sum over the lanes
#pragma unroll
      for (int step = 1; step < 32; step *= 2) {
        const int below = __shfl_up_sync(0xffffffffu, end, step);
        if (lane >= step) end += below;
      }
      const unsigned found = __ballot_sync(0xffffffffu, unit_ < base_ + end);
      if (found != 0) {
        const int owner = __ffs(found) - 1;
        work.expert = first_expert_ + owner;
        work.row_begin = __shfl_sync(0xffffffffu, begin, owner);
        work.row_count = __shfl_sync(0xffffffffu, count, owner);
        const int first_unit = base_ + __shfl_sync(0xffffffffu, end - units, owner);
        work.tile = tile_of_unit(unit_ - first_unit, rank_, row_tiles(work.row_count),
                                 column_tiles_, kTile.cluster_m);
        const int reduction = kRagged == Ragged::rows ? dims_.k : work.row_count;
        work.k_steps = (reduction + kTile.block_k - 1) / kTile.block_k;
        unit_ += stride_;
        return true;
      }
      base_ += __shfl_sync(0xffffffffu, end, 31);
      first_expert_ += 32;
    }
    return false;
  }

 private:
  __device__ __forceinline__ int row_tiles(int count) const {
    const int rows = kRagged == Ragged::rows ? count : dims_.m;
    return (rows + kTile.block_m - 1) / kTile.block_m;
  }

  const ExpertDims& dims_;
  int unit_, stride_, rank_, column_tiles_;
  int first_expert_ = 0, base_ = 0;
};

}  // namespace moe::cuda
