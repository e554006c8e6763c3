// The skeleton of every expert GEMM on sm_90: persistent, warp-specialised, wgmma fed by a ring of
// stages.
//
//   warpgroup 0      producer: fills stages. One thread drives the copy engine; where A is
//                    gathered, all its threads copy rows, and may share that task as well
//   warpgroups 1, 2  consumers: wgmma, then the epilogue, 64 rows at a time
//
//   ring of kStages  [ A 128 x 64 | B block_n x 64 ]  both 128-byte swizzled
//
// Cooperative consumers take 64 rows of every tile each. The tensor cores rest for as much of their
// epilogues as does not run beside the next tile's first products. Ping-pong consumers take every
// second tile each, one multiplying while the other is in its epilogue; they take turns explicitly,
// since a consumer that ran ahead of the ring by two phases could not tell a phase that is over
// from one that has not begun.
//
// Two CTAs of a cluster take neighbouring row tiles: each loads half of B and multicasts it to
// both. Every CTA of a pair walks the same units and the same number of reduction steps, so their
// rings stay in step. A consumer whose 64 rows lie wholly behind the end skips wgmma and epilogue,
// but waits for and releases every stage.
//
// A Product says what is multiplied and what becomes of it. An epilogue either takes a tile at
// once, or has an operand of its own that comes through the ring, kTailSteps stages long:
//
//   struct Product {
//     struct Args { ExpertDims dims; ... };
//     using Element;                      // of operands and results: __nv_bfloat16 or __half
//     static constexpr GemmTile kTile;
//     static constexpr Ragged kRagged;
//     static constexpr ptx::Major kMajorA, kMajorB;
//     static constexpr bool kGathersA;
//     static constexpr int kTailSteps;
//     static constexpr bool kStreams;     // units in pieces, then Args has `PartialSums partials`
//     static GatheredRows gathered(args);                        // if kGathersA, else
//     static void load_a(args, smem, filled, work, step);        // by one thread
//     template <bool kMulticast>
//     static void load_b_box(args, smem, filled, work, step, box);    // 64 columns
//     static constexpr int kTailBytes;                           // if kTailSteps > 0
//     static void load_tail(args, smem, filled, work, tail);
//
//     struct Epilogue {
//       struct Storage;                                          // of both consumers
//       static constexpr bool kHolds;    // finish() leaves something to store_held()
//       Epilogue(args, storage, thread, consumer);
//       void begin(work, row);                                   // before the reduction
//       void finish(work, row, acc);                             // 64 rows from `row`
//       void store_held();                      // if kHolds, beside the next products; or
//       void finish_step(work, row, tail, acc, a_place, b_place);    // all threads
//       void store_step(work, row, tail, a_place, b_place);          // one thread
//       void finish_tile(work, row);
//       void finish_empty(work, row);                            // a reduction over nothing
//     };
//   };
#pragma once

#include <type_traits>

#include "cuda/kernels/gemm/skeleton/expert_walk.cuh"
#include "cuda/kernels/gemm/skeleton/gather_rows.cuh"
#include "cuda/kernels/gemm/skeleton/partial_sums.cuh"
#include "cuda/ptx/fence.cuh"
#include "cuda/ptx/registers.cuh"
#include "cuda/ptx/tma.cuh"
#include "cuda/ptx/wgmma.cuh"
#include "cuda/tile/pipeline.cuh"
#include "cuda/tile/store_tile.cuh"

namespace moe::cuda {

template <class Product>
struct ExpertGemm {
  using Args = typename Product::Args;
  using Epilogue = typename Product::Epilogue;
  static constexpr GemmTile kTile = Product::kTile;
  static constexpr int kThreads = kTile.num_threads();
  static constexpr int kMinBlocks = 1;
  static constexpr int kClusterSize = kTile.cluster_m;
  static constexpr int kStages = kTile.num_stages;
  static constexpr int kConsumers = GemmTile::kConsumers;
  static constexpr int kSlices = kTile.slices();
  static constexpr bool kPingPong = kTile.schedule == Schedule::ping_pong;
  static constexpr int kABytes = kTile.a_bytes(), kBBytes = kTile.b_bytes();
  static constexpr bool kGathersA = Product::kGathersA;
  static constexpr bool kByRows = Product::kRagged == Ragged::rows;
  /// Warps that gather along the reduction load a box of B each: a leader that loaded all of them
  /// would be late with its own rows. (Who gathers by rows has no registers left for it.)
  static constexpr bool kWarpsShareBoxes = kGathersA && !kByRows;
  static constexpr int kTailSteps = Product::kTailSteps;
  static constexpr bool kHolds = Epilogue::kHolds;

  static_assert(kTile.block_k == 64, "a stage row is one 128-byte swizzle row of 64 elements");
  static_assert(kTile.block_m == 128, "two consumers of 64 rows; gathering threads cover 128");
  static_assert(kTile.cluster_m == 1 || kTile.cluster_m == 2, "the schedule pairs two CTAs");
  static_assert(kTile.block_n / kTile.cluster_m % 64 == 0, "each CTA loads whole boxes of B");
  static_assert(!kHolds || kSlices == 1, "what a slice leaves is stored beside the next tile");
  static_assert(kTailSteps == 0 || !kPingPong, "the other's stages would wait behind the tail");

  using Gatherer = RowGatherer<Product::kRagged>;

  // Registers per thread after the split; 128 p + 256 c must not exceed 65536.
  static constexpr int kProducerRegisters = kGathersA ? 56 : 40;
  static constexpr int kConsumerRegisters = (504 - kProducerRegisters) / 16 * 8;

  struct SharedStorage {
    alignas(1024) std::byte a[kStages][kABytes];
    alignas(1024) std::byte b[kStages][kBBytes];
    typename Epilogue::Storage epilogue;
    PipelineBarriers<kStages> barriers;
  };

  using Ring = Pipeline<kStages, kClusterSize>;
  static constexpr bool kStreams = Product::kStreams;
  static_assert(!kStreams || (kByRows && !kPingPong && kTailSteps == 0),
                "pieces are of equal reductions, and consumers take them together");
  using Walk =
      std::conditional_t<kStreams, StreamedWalk<kTile>, ExpertWalk<Product::kRagged, kTile>>;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    if (threadIdx.x == 0) {
      constexpr int kFillers = 1 + (kGathersA ? kWarpgroupThreads : 0);
      Ring::init(shared.barriers, kFillers, kPingPong ? 4 : 4 * kConsumers);
      ptx::fence_mbarrier_init();
    }
    if constexpr (kClusterSize > 1) {
      ptx::cluster_sync();
    } else {
      __syncthreads();
    }
    Walk walk(args.dims);
    const int warpgroup = ptx::uniform(threadIdx.x / kWarpgroupThreads);
    if (warpgroup == 0) {
      ptx::give_registers<kProducerRegisters>();
      if (kGathersA || ptx::uniform(threadIdx.x / 32) == 0) produce(args, shared, walk);
    } else {
      ptx::take_registers<kConsumerRegisters>();
      consume(args, shared, walk, warpgroup - 1);
    }
    // A CTA must not leave while its partner may still arrive at its barriers or load into its
    // ring.
    if constexpr (kClusterSize > 1) ptx::cluster_sync();
  }

  static __device__ __forceinline__ void produce(const Args& args, SharedStorage& shared,
                                                 Walk& walk) {
    const bool is_leader = threadIdx.x == 0;
    Ring ring{shared.barriers};
    typename Ring::Cursor at;
    Gatherer gatherer;
    TileWork work;
    for (unsigned turn = 0; walk.next(work); ++turn) {
      if (is_leader && args.dims.turns != nullptr) await_others(args.dims.turns, turn);
      if constexpr (kGathersA) gatherer.start_tile(Product::gathered(args), work);
      for (int step = 0; step < work.k_steps; ++step, at.advance()) {
        if (!kGathersA && !is_leader) continue;
        ring.wait_free(at);
        if constexpr (kGathersA) {  // before the boxes: these copies take longest
          if (!work.tile.is_dummy) {
            gatherer.load(Product::gathered(args), ptx::shared_address(shared.a[at.stage]), work,
                          step);
          }
          ptx::cp_async_arrive(ring.filled(at));
        }
        if (is_leader) {
          constexpr int kBytes = kBBytes + (kGathersA ? 0 : kABytes);
          ptx::mbarrier_arrive_expect(ring.filled(at), work.tile.is_dummy ? 0 : kBytes);
        }
        if ((kWarpsShareBoxes ? threadIdx.x % 32 == 0 : is_leader) && !work.tile.is_dummy)
          load_boxes(args, shared, ring, at, work, work.k_begin + step);
      }
      if constexpr (kTailSteps > 0) {
        for (int tail = 0; tail < kTailSteps; ++tail, at.advance()) {
          if (!kGathersA && !is_leader) continue;
          ring.wait_free(at);
          if (is_leader) {
            ptx::mbarrier_arrive_expect(ring.filled(at),
                                        work.tile.is_dummy ? 0 : Product::kTailBytes);
            if (!work.tile.is_dummy)
              Product::load_tail(args, shared.b[at.stage], ring.filled(at), work, tail);
          }
          if constexpr (kGathersA) ptx::mbarrier_arrive(ring.filled(at));
        }
      }
      if (is_leader && args.dims.turns != nullptr) atomicAdd(args.dims.turns, 1u);
    }
  }

  /// Keeps CTAs in step, so that those at work on one expert ask for the same weights and rows at
  /// the same time and device memory delivers them once. Stages that are still full cover the wait,
  /// and it is bounded: a hint, not a barrier.
  static __device__ __forceinline__ void await_others(const unsigned* turns, unsigned turn) {
    const unsigned wanted = turn * gridDim.x;
    for (int attempt = 0; attempt < 200 && ptx::load_relaxed(turns) < wanted; ++attempt)
      __nanosleep(100);
  }

  /// What the copy engine brings of a stage.
  static __device__ __forceinline__ void load_boxes(const Args& args, SharedStorage& shared,
                                                    Ring& ring, const typename Ring::Cursor& at,
                                                    const TileWork& work, int step) {
    if constexpr (!kGathersA)
      Product::load_a(args, shared.a[at.stage], ring.filled(at), work, step);
    if (kClusterSize > 1 && work.tile.shares_b) {
      load_b<true>(args, shared.b[at.stage], ring.filled(at), work, step);
    } else {
      load_b<false>(args, shared.b[at.stage], ring.filled(at), work, step);
    }
  }

  /// This thread's boxes of B: those that this CTA loads, or one of them by every warp.
  template <bool kMulticast>
  static __device__ __forceinline__ void load_b(const Args& args, std::byte* smem,
                                                ptx::Mbarrier* filled, const TileWork& work,
                                                int step) {
    constexpr int kBoxes = kTile.block_n / 64 / (kMulticast ? kClusterSize : 1);
    const int first = kMulticast ? rank_of_cta(kClusterSize) * kBoxes : 0;
    const auto load = [&](int i) {
      const int box = first + i;
      Product::template load_b_box<kMulticast>(args, smem + box * 64 * 64 * 2, filled, work, step,
                                               box);
    };
    if constexpr (kWarpsShareBoxes) {
      static_assert(kBoxes <= kWarpgroupThreads / 32);
      const int own = threadIdx.x / 32;
      if (own < kBoxes) load(own);
    } else {
#pragma unroll
      for (int i = 0; i < kBoxes; ++i) load(i);
    }
  }

  static __device__ __forceinline__ void consume(const Args& args, SharedStorage& shared,
                                                 Walk& walk, int consumer) {
    const int thread = threadIdx.x % kWarpgroupThreads, lane = threadIdx.x % 32;
    const int first_slice = kPingPong ? 0 : consumer;
    Epilogue epilogue(args, shared.epilogue, thread, consumer);
    Ring ring{shared.barriers};
    typename Ring::Cursor at;
    float acc[kSlices][kTile.block_n / 2];
    if (kPingPong && consumer == 1) pass_turn(consumer);  // the first tile is the other's
    TileWork next;
    bool is_last = !walk.next(next);
    const auto look_ahead = [&] { is_last = !walk.next(next); };
    for (int turn = 0; !is_last; turn ^= 1) {
      const TileWork work = next;
      if (kPingPong && turn != consumer) {
        at.skip(work.k_steps);
        look_ahead();
        continue;
      }
      const int row = work.tile.row_tile * kTile.block_m + first_slice * 64;
      const int rows_left = work.tile.is_dummy ? 0 : (kByRows ? work.row_count : args.dims.m) - row;
      const bool both = kSlices > 1 && rows_left > 64;
      if (rows_left <= 0 || work.k_steps == 0) {
        if constexpr (kHolds) epilogue.store_held();
        take_turn(consumer);
        for (int step = 0; step < work.k_steps + kTailSteps; ++step, at.advance()) {
          ring.wait_filled(at);
          ring.release(at.stage, lane);
        }
        pass_turn(consumer);
        if constexpr (kTailSteps == 0) {
          if (rows_left > 0) epilogue.finish_empty(work, row);
          if (both) epilogue.finish_empty(work, row + 64);
        }
        look_ahead();
        continue;
      }
      epilogue.begin(work, row);
      take_turn(consumer);
      multiply(shared, ring, at, work.k_steps, first_slice, lane, acc, epilogue, look_ahead);
      pass_turn(consumer);
      if constexpr (kStreams) {
        if (!complete(args.partials, work, acc[0], thread, consumer)) continue;
      }
      if constexpr (kTailSteps > 0) {
        finish_by_steps(shared, ring, at, epilogue, work, row, acc[0]);
      } else {
        epilogue.finish(work, row, acc[0]);
        if constexpr (kSlices > 1) {
          if (both) epilogue.finish(work, row + 64, acc[1]);
        }
      }
    }
    if constexpr (kHolds) epilogue.store_held();
    if (thread == 0) ptx::tma_store_wait<0>();
  }

  /// False: this was not the tile's last piece, and its sums were left for who has that.
  static __device__ __forceinline__ bool complete(const PartialSums& partials, const TileWork& work,
                                                  float (&acc)[kTile.block_n / 2], int thread,
                                                  int consumer) {
    const int own_barrier = 1 + consumer;  // that of the images, which are at rest
    const auto slot_of = [&](int cta) { return cta * kConsumers + consumer; };
    const int cta = static_cast<int>(blockIdx.x);
    if (work.helpers == kLeavesSums) {
      leave_partial(partials, slot_of(cta), acc, thread, own_barrier);
      return false;
    }
    for (int helper = 1; helper <= work.helpers; ++helper)
      add_partial(partials, slot_of(cta - helper * kClusterSize), acc, thread, own_barrier);
    return true;
  }

  /// An epilogue whose operand comes through the ring: stages like those of the reduction, read and
  /// overwritten by this consumer, and free once the copy engine has stored what it left there.
  static __device__ __forceinline__ void finish_by_steps(SharedStorage& shared, Ring& ring,
                                                         typename Ring::Cursor& at,
                                                         Epilogue& epilogue, const TileWork& work,
                                                         int row, float (&acc)[kTile.block_n / 2]) {
    const int thread = threadIdx.x % kWarpgroupThreads, lane = threadIdx.x % 32;
    int previous = 0;
#pragma unroll
    for (int tail = 0; tail < kTailSteps; ++tail, at.advance()) {
      ring.wait_filled(at);
      epilogue.finish_step(work, row, tail, acc, shared.a[at.stage], shared.b[at.stage]);
      if (thread >= 32) {
        ring.release(at.stage, lane);
      } else {  // the warp that stores answers for the stage before, whose store is under way
        if (tail > 0) {
          if (thread == 0) ptx::tma_store_wait_read<0>();
          __syncwarp();
          ring.release(previous, lane);
        }
        if (thread == 0)
          epilogue.store_step(work, row, tail, shared.a[at.stage], shared.b[at.stage]);
      }
      previous = at.stage;
    }
    if (thread < 32) {
      if (thread == 0) ptx::tma_store_wait_read<0>();
      __syncwarp();
      ring.release(previous, lane);
    }
    epilogue.finish_tile(work, row);
  }

  // Named barriers 3 and 4: consumer 0's and 1's turn at the ring. Both consumers meet at each.
  static constexpr int kTurnBarrier = 3;
  static __device__ __forceinline__ void take_turn(int consumer) {
    if constexpr (kPingPong)
      ptx::named_barrier_sync(kTurnBarrier + consumer, 2 * kWarpgroupThreads);
  }
  static __device__ __forceinline__ void pass_turn(int consumer) {
    if constexpr (kPingPong)
      ptx::named_barrier_arrive(kTurnBarrier + 1 - consumer, 2 * kWarpgroupThreads);
  }

  /// Leaves the sums in `acc`. `meanwhile` runs beside the last products.
  template <class Meanwhile>
  static __device__ __forceinline__ void multiply(SharedStorage& shared, Ring& ring,
                                                  typename Ring::Cursor& at, int k_steps,
                                                  int first_slice, int lane,
                                                  float (&acc)[kSlices][kTile.block_n / 2],
                                                  Epilogue& epilogue, Meanwhile&& meanwhile) {
    using Mma =
        ptx::Wgmma<typename Product::Element, kTile.block_n, Product::kMajorA, Product::kMajorB>;
    constexpr int kSliceBytes = 64 * 128;  // 64 rows of 128 bytes, or the box of these 64 columns
    int previous = 0;
    for (int step = 0; step < k_steps; ++step, at.advance()) {
      ring.wait_filled(at);
      if constexpr (kGathersA) ptx::fence_proxy_async();  // cp.async wrote what wgmma reads
      const std::uint32_t a_address =
          ptx::shared_address(shared.a[at.stage]) + first_slice * kSliceBytes;
      const std::uint64_t a = ptx::wgmma_descriptor(a_address, Product::kMajorA);
      const std::uint64_t b =
          ptx::wgmma_descriptor(ptx::shared_address(shared.b[at.stage]), Product::kMajorB);
      ptx::wgmma_fence();
#pragma unroll
      for (int k16 = 0; k16 < kTile.block_k / 16; ++k16) {
#pragma unroll
        for (int slice = 0; slice < kSlices; ++slice) {
          Mma::run(acc[slice],
                   a + slice * (kSliceBytes >> 4) + k16 * ptx::wgmma_k_step(Product::kMajorA),
                   b + k16 * ptx::wgmma_k_step(Product::kMajorB), step > 0 || k16 > 0);
        }
      }
      ptx::wgmma_commit();
      ptx::wgmma_wait<1>();  // the step before this one is done: its stage is free
      if (step > 0) {
        ring.release(previous, lane);
      } else if constexpr (kHolds) {
        epilogue.store_held();
      }
      previous = at.stage;
    }
    meanwhile();
    ptx::wgmma_wait<0>();
    ring.release(previous, lane);
  }
};

}  // namespace moe::cuda
