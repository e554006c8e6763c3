// Activation gradient as a Product. H comes through the ring of the reduction, as further stages of
// 64 columns behind the last one, so that its loads are under way while the reduction still runs:
//
//   stage      [ A 128 x 64       | B 64 x 256                          ]  a step of the reduction
//   stage      [ A' out 128 x 64  | gate 128 x 64 in, dgate out | up .. ]  a step of the tail
//
// A consumer reads its 64 rows of gate and up by ldmatrix, takes dA' from the accumulators, writes
// dH over H and A' beside it by stmatrix, and the copy engine stores all three from the stage. An
// ungated activation has no up, and the place of up stays empty.
#pragma once

#include "cuda/kernels/gemm/activation_form.cuh"
#include "cuda/kernels/gemm/d_act.h"
#include "cuda/kernels/gemm/grouped_gemm.cuh"
#include "cuda/kernels/gemm/skeleton/expert_gemm.cuh"

namespace moe::cuda {

template <class ElementType, GemmTile kTileValue, class Form>
struct DAct {
  using Element = ElementType;
  struct Args {
    ExpertDims dims;
    GatheredRows d_out;
    CUtensorMap w_down, h, d_h, a_scaled;
    const float* row_scores;
    float* d_score_parts;
    std::int64_t rows;
    Activation activation;
  };
  static constexpr GemmTile kTile = kTileValue;
  static constexpr Ragged kRagged = Ragged::rows;
  static constexpr ptx::Major kMajorA = ptx::Major::k, kMajorB = ptx::Major::mn;
  static constexpr bool kGathersA = true;
  static constexpr bool kStreams = false;
  static constexpr int kTailSteps = kTile.block_n / kImageColumns;
  static constexpr int kParts = Form::kParts;
  static constexpr int kPartBytes = kTile.block_m * kSwizzleRowBytes;
  static constexpr int kTailBytes = kParts * kPartBytes;
  static_assert(kTile.b_bytes() == 2 * kPartBytes && kTile.a_bytes() == kPartBytes,
                "gate and up fill the place of B, A' that of A");

  static __device__ __forceinline__ const GatheredRows& gathered(const Args& args) {
    return args.d_out;
  }

  template <bool kMulticast>
  static __device__ __forceinline__ void load_b_box(const Args& args, std::byte* smem,
                                                    ptx::Mbarrier* filled, const TileWork& work,
                                                    int step, int box) {
    const int n = work.tile.column_tile * kTile.block_n + box * 64, k = step * kTile.block_k;
    if constexpr (kMulticast) {
      ptx::tma_load_3d_multicast(smem, args.w_down, filled, kBothCtas, n, k, work.expert);
    } else {
      ptx::tma_load_3d(smem, args.w_down, filled, n, k, work.expert);
    }
  }

  /// By one thread: 64 columns of H of all the tile's rows. Columns behind the end arrive as zeros.
  static __device__ __forceinline__ void load_tail(const Args& args, std::byte* smem,
                                                   ptx::Mbarrier* filled, const TileWork& work,
                                                   int tail) {
    const RaggedRow at(work, work.tile.row_tile * kTile.block_m);
    const int column = column_of(work, tail);
#pragma unroll
    for (int part = 0; part < kParts; ++part) {
      ptx::tma_load_5d(smem + part * kPartBytes, args.h, filled, column, part, at.row, at.base,
                       kRaggedRows);
    }
  }

  static __device__ __forceinline__ int column_of(const TileWork& work, int tail) {
    return work.tile.column_tile * kTile.block_n + tail * kImageColumns;
  }

  class Epilogue {
   public:
    static constexpr bool kHolds = false;
    struct Storage {};
    __device__ __forceinline__ Epilogue(const Args& args, Storage&, int thread, int consumer)
        : args_(args), thread_(thread), consumer_(consumer) {}

    __device__ __forceinline__ void begin(const TileWork& work, int row) {
      const int first = first_row(row);
      const float* scores = args_.row_scores + work.row_begin;
      score_[0] = first < work.row_count ? scores[first] : 0.0f;
      score_[1] = first + 8 < work.row_count ? scores[first + 8] : 0.0f;
      d_score_[0] = d_score_[1] = 0.0f;
    }

    /// By all threads of the consumer; the images are complete behind it.
    __device__ __forceinline__ void finish_step(const TileWork&, int, int tail,
                                                const float (&acc)[kTile.block_n / 2],
                                                std::byte* a_place, std::byte* b_place) {
      Form::visit(args_.activation, [&]<Activation kActivation>() {
        transform<kActivation>(acc + tail * kImageValues, own(b_place), own(b_place + kPartBytes),
                               own(a_place));
      });
      ptx::fence_proxy_async();
      ptx::named_barrier_sync(1 + consumer_, kWarpgroupThreads);
    }

    /// By one thread.
    __device__ __forceinline__ void store_step(const TileWork& work, int row, int tail,
                                               std::byte* a_place, std::byte* b_place) {
      const int column = column_of(work, tail);
      if (column < args_.dims.n) {
        const RaggedRow at(work, row);
#pragma unroll
        for (int part = 0; part < kParts; ++part) {
          ptx::tma_store_5d(args_.d_h, own(b_place + part * kPartBytes), column, part, at.row,
                            at.base, kRaggedRows);
        }
        ptx::tma_store_4d(args_.a_scaled, own(a_place), column, at.row, at.base, kRaggedRows);
      }
      ptx::tma_store_commit();
    }

    /// Leaves this tile's part of dS. Four neighbouring lanes hold a row's columns.
    __device__ __forceinline__ void finish_tile(const TileWork& work, int row) {
      float* parts = args_.d_score_parts + work.tile.column_tile * args_.rows + work.row_begin;
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float sum = d_score_[half];
        sum += __shfl_xor_sync(0xffffffffu, sum, 1);
        sum += __shfl_xor_sync(0xffffffffu, sum, 2);
        const int at = first_row(row) + 8 * half;
        if (thread_ % 4 == 0 && at < work.row_count) parts[at] = sum;
      }
    }

   private:
    /// The first of this thread's two rows; the other is eight behind it.
    __device__ __forceinline__ int first_row(int row) const {
      return row + thread_ / 32 * 16 + thread_ % 32 / 4;
    }
    /// This consumer's 64 rows of an image of 128.
    __device__ __forceinline__ std::byte* own(std::byte* image) const {
      return image + consumer_ * kImageBytes;
    }

    /// Chunk of 64 columns: H in, dH and A' out, dS of this thread's two rows summed.
    template <Activation kActivation>
    __device__ __forceinline__ void transform(const float* d_a, std::byte* gate_bytes,
                                              std::byte* up_bytes, std::byte* a_bytes) {
      const FragmentPlace place(thread_);
      const std::uint32_t gate_image = ptx::shared_address(gate_bytes);
      const std::uint32_t up_image = ptx::shared_address(up_bytes);
      const std::uint32_t a_image = ptx::shared_address(a_bytes);
#pragma unroll
      for (int pair = 0; pair < 4; ++pair) {
        const std::uint32_t offset = swizzled_offset(place.row, 2 * pair + place.chunk);
        std::uint32_t gate[4], up[4] = {}, a[4];
        ptx::ldmatrix_x4(gate_image + offset, gate);
        if constexpr (kParts == 2) ptx::ldmatrix_x4(up_image + offset, up);
#pragma unroll
        for (int i = 0; i < 4; ++i) {  // matrix i: rows +8 for odd i, two neighbouring columns
          const float s = score_[i % 2];
          const float* d = d_a + 8 * pair + 2 * i;
          const Pair low = backward<kActivation>(
              ptx::low_of<Element>(gate[i]), ptx::low_of<Element>(up[i]), d[0], s, d_score_[i % 2]);
          const Pair high =
              backward<kActivation>(ptx::high_of<Element>(gate[i]), ptx::high_of<Element>(up[i]),
                                    d[1], s, d_score_[i % 2]);
          gate[i] = ptx::pack<Element>(low.d_gate, high.d_gate);
          up[i] = ptx::pack<Element>(low.d_up, high.d_up);
          a[i] = ptx::pack<Element>(low.a_scaled, high.a_scaled);
        }
        ptx::stmatrix_x4(gate_image + offset, gate[0], gate[1], gate[2], gate[3]);
        if constexpr (kParts == 2) ptx::stmatrix_x4(up_image + offset, up[0], up[1], up[2], up[3]);
        ptx::stmatrix_x4(a_image + offset, a[0], a[1], a[2], a[3]);
      }
    }

    struct Pair {
      float d_gate, d_up, a_scaled;
    };
    template <Activation kActivation>
    static __device__ __forceinline__ Pair backward(float gate, float up, float d_a, float score,
                                                    float& d_score) {
      const GatedCurve at = activation_at<kActivation, MathFor<Element>>(gate, up);
      const float scaled = score * d_a;
      d_score += d_a * at.a;
      return {scaled * at.by_gate, scaled * at.by_up, score * at.a};
    }

    const Args& args_;
    int thread_, consumer_;
    float score_[2], d_score_[2];  // of this thread's rows of the tile at work
  };
};

}  // namespace moe::cuda
