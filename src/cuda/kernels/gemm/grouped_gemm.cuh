// The grouped GEMM on sm_90: persistent, warp-specialised, wgmma fed by the copy engine.
//
//   warpgroup 0          producer: one thread loads A and B tiles into the ring
//   warpgroups 1, 2      consumers: 64 rows of the tile each; wgmma, then store their rows
//
//   ring of kStages      [ A 128 x 64 | B 256 x 64 ]  both 128-byte swizzled
//
// Two CTAs of a cluster take neighbouring row tiles: each loads half of B and multicasts it to both. Every
// CTA of a pair walks the same units and the same number of reduction steps, so their rings stay in step.
// A consumer whose 64 rows lie wholly behind the expert's last row skips wgmma and store, but waits for and
// releases every stage.
#pragma once

#include "cuda/kernels/gemm/expert_schedule.h"
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/ptx/fence.cuh"
#include "cuda/ptx/registers.cuh"
#include "cuda/ptx/tma.cuh"
#include "cuda/ptx/wgmma.cuh"
#include "cuda/runtime/tensor_map.h"
#include "cuda/tile/pipeline.cuh"
#include "cuda/tile/store_tile.cuh"

namespace moe::cuda {

/// One tile of work, as every role of a CTA sees it.
struct TileWork {
  int expert;
  int row_begin, row_count;  // of the expert
  TileOfPair tile;
  int k_steps;
};

/// Walks the units of one cluster, expert by expert. Every warp walks by itself: the state is a handful of
/// registers and experts are scanned 32 at a time.
template <Ragged kRagged, GemmTile kTile>
class ExpertWalk {
 public:
  __device__ __forceinline__ ExpertWalk(const GroupedGemmArgs& args, int cluster, int num_clusters, int rank)
      : args_(args), unit_(cluster), stride_(num_clusters), rank_(rank),
        column_tiles_((args.n + kTile.block_n - 1) / kTile.block_n) {}

  /// False behind the last unit. Must be called by whole warps.
  __device__ __forceinline__ bool next(TileWork& work) {
    const int lane = threadIdx.x % 32;
    while (first_expert_ < args_.num_experts) {
      const int expert = first_expert_ + lane;
      int begin = 0, count = 0, units = 0;
      if (expert < args_.num_experts) {
        begin = args_.expert_offsets[expert];
        count = args_.expert_offsets[expert + 1] - begin;
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
        work.tile = tile_of_unit(unit_ - first_unit, rank_, row_tiles(work.row_count), column_tiles_, kTile.cluster_m);
        const int reduction = kRagged == Ragged::rows ? args_.k : work.row_count;
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
    const int rows = kRagged == Ragged::rows ? count : args_.m;
    return (rows + kTile.block_m - 1) / kTile.block_m;
  }

  const GroupedGemmArgs& args_;
  int unit_, stride_, rank_, column_tiles_;
  int first_expert_ = 0, base_ = 0;
};

template <Ragged kRagged, WeightLayout kLayout, GemmTile kTile>
struct GroupedGemm {
  using Args = GroupedGemmArgs;
  static constexpr int kThreads = kTile.num_threads();
  static constexpr int kMinBlocks = 1;
  static constexpr int kClusterSize = kTile.cluster_m;
  static constexpr int kStages = kTile.num_stages;
  static constexpr int kStageBytes = kTile.a_bytes() + kTile.b_bytes();
  static constexpr int kConsumerWarps = 4 * kTile.num_consumers();
  static constexpr bool kByRows = kRagged == Ragged::rows;

  /// Rows of a reduction are contiguous across m and n; weights as their layout says.
  static constexpr ptx::Major kMajorA = kByRows ? ptx::Major::k : ptx::Major::mn;
  static constexpr ptx::Major kMajorB =
      kByRows && kLayout == WeightLayout::n_by_k ? ptx::Major::k : ptx::Major::mn;

  static_assert(kTile.block_k == 64, "a stage row is one 128-byte swizzle row of 64 elements");
  static_assert(kTile.block_m % 64 == 0 && kTile.block_n % 64 == 0, "boxes of 64 columns");
  static_assert(kTile.cluster_m == 1 || kTile.cluster_m == 2, "the schedule pairs two CTAs");
  static_assert(kTile.block_n / kTile.cluster_m % 64 == 0, "each CTA loads whole boxes of B");

  struct SharedStorage {
    alignas(1024) std::byte a[kStages][kTile.a_bytes()];
    alignas(1024) std::byte b[kStages][kTile.b_bytes()];
    StoreImages images[kTile.num_consumers()];
    PipelineBarriers<kStages> barriers;
  };

  using Ring = Pipeline<kStages, kClusterSize>;
  using Walk = ExpertWalk<kRagged, kTile>;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    const int rank = kClusterSize > 1 ? static_cast<int>(ptx::cluster_rank()) : 0;
    if (threadIdx.x == 0) Ring::init(shared.barriers, 1, kConsumerWarps);
    if constexpr (kClusterSize > 1) ptx::cluster_sync(); else __syncthreads();

    const int cluster = blockIdx.x / kClusterSize, num_clusters = gridDim.x / kClusterSize;
    Walk walk(args, cluster, num_clusters, rank);
    const int warpgroup = ptx::uniform(threadIdx.x / kWarpgroupThreads);
    if (warpgroup == 0) {
      ptx::give_registers<40>();
      if (ptx::uniform(threadIdx.x / 32) == 0) produce(args, shared, walk, rank);
    } else {
      ptx::take_registers<232>();
      consume(args, shared, walk, warpgroup - 1);
    }
    // A CTA must not leave while its partner may still arrive at its barriers or load into its ring.
    if constexpr (kClusterSize > 1) ptx::cluster_sync();
  }

  static __device__ __forceinline__ void produce(const Args& args, SharedStorage& shared, Walk& walk, int rank) {
    const bool elected = threadIdx.x % 32 == 0;
    if (elected) {
      ptx::tma_prefetch(args.a);
      ptx::tma_prefetch(args.b);
    }
    Ring ring{shared.barriers};
    typename Ring::Cursor at;
    TileWork work;
    while (walk.next(work)) {
      for (int step = 0; step < work.k_steps; ++step, at.advance()) {
        if (!elected) continue;
        ring.wait_free(at);
        ptx::mbarrier_arrive_expect(ring.filled(at), work.tile.is_dummy ? 0 : kStageBytes);
        if (work.tile.is_dummy) continue;
        load_a(args, shared.a[at.stage], ring.filled(at), work, step);
        load_b(args, shared.b[at.stage], ring.filled(at), work, step, rank);
      }
    }
  }

  static __device__ __forceinline__ void load_a(const Args& args, std::byte* smem, ptx::Mbarrier* filled,
                                                const TileWork& work, int step) {
    const int row = work.tile.row_tile * kTile.block_m, k = step * kTile.block_k;
    if constexpr (kByRows) {
      ptx::tma_load_2d(smem, args.a, filled, k, work.row_begin + row);  // rows behind the expert are not stored
    } else {
#pragma unroll
      for (int box = 0; box < kTile.block_m / 64; ++box) {
        ptx::tma_load_4d(smem + box * 8192, args.a, filled, row + box * 64, kRaggedRows - work.row_count + k,
                         work.row_begin + work.row_count, kRaggedRows);
      }
    }
  }

  static __device__ __forceinline__ void load_b(const Args& args, std::byte* smem, ptx::Mbarrier* filled,
                                                const TileWork& work, int step, int rank) {
    const int column = work.tile.column_tile * kTile.block_n, k = step * kTile.block_k;
    constexpr int kBoxes = kTile.block_n / 64;
    if (kClusterSize > 1 && work.tile.shares_b) {
      constexpr int kOwnBoxes = kBoxes / kClusterSize;
#pragma unroll
      for (int i = 0; i < kOwnBoxes; ++i) load_b_box<true>(args, smem, filled, work, column, k, rank * kOwnBoxes + i);
    } else {
#pragma unroll
      for (int box = 0; box < kBoxes; ++box) load_b_box<false>(args, smem, filled, work, column, k, box);
    }
  }

  /// 64 columns of B by 64 of the reduction: 8192 bytes in either layout.
  template <bool kMulticast>
  static __device__ __forceinline__ void load_b_box(const Args& args, std::byte* smem, ptx::Mbarrier* filled,
                                                    const TileWork& work, int column, int k, int box) {
    constexpr std::uint16_t kBothCtas = 3;
    std::byte* target = smem + box * 8192;
    const int n = column + box * 64;
    if constexpr (kByRows) {
      const int inner = kLayout == WeightLayout::n_by_k ? k : n;
      const int outer = kLayout == WeightLayout::n_by_k ? n : k;
      if constexpr (kMulticast) ptx::tma_load_3d_multicast(target, args.b, filled, kBothCtas, inner, outer, work.expert);
      else ptx::tma_load_3d(target, args.b, filled, inner, outer, work.expert);
    } else {
      const int row = kRaggedRows - work.row_count + k, base = work.row_begin + work.row_count;
      if constexpr (kMulticast) ptx::tma_load_4d_multicast(target, args.b, filled, kBothCtas, n, row, base, kRaggedRows);
      else ptx::tma_load_4d(target, args.b, filled, n, row, base, kRaggedRows);
    }
  }

  static __device__ __forceinline__ void consume(const Args& args, SharedStorage& shared, Walk& walk, int consumer) {
    const int thread = threadIdx.x % kWarpgroupThreads, lane = threadIdx.x % 32;
    const std::uint32_t a_offset = consumer * 64 * 128;  // 64 rows of 128 bytes, or the box of these 64 columns
    Ring ring{shared.barriers};
    typename Ring::Cursor at;
    TileWork work;
    float acc[kTile.block_n / 2];
    while (walk.next(work)) {
      const int row = work.tile.row_tile * kTile.block_m + consumer * 64;
      const bool has_rows = row < (kByRows ? work.row_count : args.m) && !work.tile.is_dummy;
      if (!has_rows) {
        for (int step = 0; step < work.k_steps; ++step, at.advance()) {
          ring.wait_filled(at);
          ring.release(at.stage, lane);
        }
        continue;
      }
      const auto copy = [&](std::byte* image, int offset) { copy_out(args, image, work, row, offset); };
      if (!kByRows && work.k_steps == 0) {  // an expert without rows has a gradient of zero
        store_zeros<kTile.block_n>(shared.images[consumer], thread, 1 + consumer, copy);
        continue;
      }
      multiply(shared, ring, at, work.k_steps, a_offset, lane, acc);
      store_accumulators<kTile.block_n>(shared.images[consumer], acc, thread, 1 + consumer, copy);
    }
    if (thread == 0) ptx::tma_store_wait<0>();
  }

  static __device__ __forceinline__ void multiply(SharedStorage& shared, Ring& ring, typename Ring::Cursor& at,
                                                  int k_steps, std::uint32_t a_offset, int lane,
                                                  float (&acc)[kTile.block_n / 2]) {
    using Mma = ptx::Wgmma<kTile.block_n, kMajorA, kMajorB>;
    int previous = 0;
    for (int step = 0; step < k_steps; ++step, at.advance()) {
      ring.wait_filled(at);
      const std::uint64_t a = ptx::wgmma_descriptor(ptx::shared_address(shared.a[at.stage]) + a_offset, kMajorA);
      const std::uint64_t b = ptx::wgmma_descriptor(ptx::shared_address(shared.b[at.stage]), kMajorB);
      ptx::wgmma_fence();
#pragma unroll
      for (int k16 = 0; k16 < kTile.block_k / 16; ++k16) {
        Mma::run(acc, a + k16 * ptx::wgmma_k_step(kMajorA), b + k16 * ptx::wgmma_k_step(kMajorB),
                 step > 0 || k16 > 0);
      }
      ptx::wgmma_commit();
      ptx::wgmma_wait<1>();  // the step before this one is done: its stage is free
      if (step > 0) ring.release(previous, lane);
      previous = at.stage;
    }
    ptx::wgmma_wait<0>();
    ring.release(previous, lane);
  }

  /// 64 rows from `row` on, 64 columns from `offset` of the tile on; what lies out of bounds is clipped.
  static __device__ __forceinline__ void copy_out(const Args& args, const std::byte* image, const TileWork& work,
                                                  int row, int offset) {
    const int column = work.tile.column_tile * kTile.block_n + offset;
    if (column >= args.n) return;
    if constexpr (kByRows) {
      ptx::tma_store_4d(args.c, image, column, kRaggedRows - work.row_count + row, work.row_begin + work.row_count,
                        kRaggedRows);
    } else {
      ptx::tma_store_3d(args.c, image, column, row, work.expert);
    }
  }
};

}  // namespace moe::cuda
