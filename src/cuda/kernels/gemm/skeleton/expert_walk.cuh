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

// A CTA's place among clusters of `size`, which are neighbours in the grid. Not kept anywhere: who
// walks has no register to spare.
__device__ __forceinline__ int cluster_of_cta(int size) {
  return static_cast<int>(blockIdx.x) / size;
}
__device__ __forceinline__ int rank_of_cta(int size) {
  return static_cast<int>(blockIdx.x) % size;
}
__device__ __forceinline__ int num_clusters(int size) {
  return static_cast<int>(gridDim.x) / size;
}

/// Walks the units of one cluster, expert by expert. Every warp walks by itself, and a tile's loads
/// wait for it: so 32 experts are read at once, one by each lane, and stay in registers until they
/// are passed.
template <Ragged kRagged, GemmTile kTile>
class ExpertWalk {
 public:
  explicit __device__ __forceinline__ ExpertWalk(const ExpertDims& dims)
      : dims_(dims), unit_(cluster_of_cta(kTile.cluster_m)) {}

  /// False behind the last unit. Must be called by whole warps.
  __device__ __forceinline__ bool next(TileWork& work) {
    if (!find(unit_, work)) return false;
    const int reduction = kRagged == Ragged::rows ? dims_.k : work.row_count;
    work.k_begin = work.helpers = 0;
    work.k_steps = (reduction + kTile.block_k - 1) / kTile.block_k;
    unit_ += num_clusters(kTile.cluster_m);
    return true;
  }

  /// Units of all experts. Must be called by whole warps.
  __device__ __forceinline__ int count_units() const {
    int sum = 0;
    for (int first = 0; first < dims_.num_experts; first += 32)
      sum += units(read_expert(first).count);
    return __reduce_add_sync(kAllLanes, sum);
  }

  /// Expert and tile of a unit; false behind the last one. Units must come in rising order, from
  /// the start or from rewind() on.
  __device__ __forceinline__ bool find(int unit, TileWork& work) {
    unsigned found = __ballot_sync(kAllLanes, unit < end_);
    while (found == 0) {
      if (first_expert_ + 32 >= dims_.num_experts) return false;
      first_expert_ += 32;
      read_experts();
      found = __ballot_sync(kAllLanes, unit < end_);
    }
    const int owner = __ffs(found) - 1;
    work.expert = first_expert_ + owner;
    work.row_begin = __shfl_sync(kAllLanes, own_.begin, owner);
    work.row_count = __shfl_sync(kAllLanes, own_.count, owner);
    const int first_unit = __shfl_sync(kAllLanes, end_, owner) - units(work.row_count);
    work.tile = tile_of_unit(unit - first_unit, rank_of_cta(kTile.cluster_m),
                             row_tiles(work.row_count), column_tiles(), kTile.cluster_m,
                             kRagged == Ragged::reduction && dims_.m > dims_.n);
    return true;
  }

  __device__ __forceinline__ void rewind() {
    first_expert_ = -32;
    end_ = 0;
  }

 private:
  static constexpr unsigned kAllLanes = 0xffffffffu;
  struct Rows {
    int begin = 0, count = 0;
  };

  /// This lane's expert of the 32 from `first` on.
  __device__ __forceinline__ Rows read_expert(int first) const {
    const int expert = first + static_cast<int>(threadIdx.x % 32);
    if (expert >= dims_.num_experts) return {};
    const int begin = dims_.expert_offsets[expert];
    return {begin, dims_.expert_offsets[expert + 1] - begin};
  }

  __device__ __forceinline__ void read_experts() {
    const int base = __shfl_sync(kAllLanes, end_, 31);
    own_ = read_expert(first_expert_);
    end_ = units(own_.count);
#pragma unroll
    for (int step = 1; step < 32; step *= 2) {
      const int below = __shfl_up_sync(kAllLanes, end_, step);
      if (static_cast<int>(threadIdx.x % 32) >= step) end_ += below;
    }
    end_ += base;
  }

  __device__ __forceinline__ int units(int count) const {
    return units_of_expert(row_tiles(count), column_tiles(), kTile.cluster_m);
  }

  __device__ __forceinline__ int row_tiles(int count) const {
    const int rows = kRagged == Ragged::rows ? count : dims_.m;
    return (rows + kTile.block_m - 1) / kTile.block_m;
  }

  __device__ __forceinline__ int column_tiles() const {
    return (dims_.n + kTile.block_n - 1) / kTile.block_n;
  }

  const ExpertDims& dims_;
  int unit_;
  int first_expert_ = -32;  // of those that lanes hold
  Rows own_;                // this lane's
  int end_ = 0;             // units of all experts up to this lane's
};

/// The same walk over pieces of units.
template <GemmTile kTile>
class StreamedWalk {
 public:
  explicit __device__ __forceinline__ StreamedWalk(const ExpertDims& dims)
      : walk_(dims),
        stream_(walk_.count_units(), (dims.k + kTile.block_k - 1) / kTile.block_k,
                cluster_of_cta(kTile.cluster_m), num_clusters(kTile.cluster_m)) {}

  __device__ __forceinline__ bool next(TileWork& work) {
    UnitPiece piece;
    if (!stream_.next(piece)) return false;
    if (piece.k_begin > 0) walk_.rewind();  // what a cluster ends with comes before the rest
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
