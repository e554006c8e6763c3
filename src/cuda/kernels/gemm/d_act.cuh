// Activation gradient as a Product. Per consumer warpgroup and tile (64 rows x 128 columns of dA'):
//
//   before the reduction   thread 0 asks for H: two chunks of 64 columns, gate and up      4 images
//   in after it, per chunk    gate, up by ldmatrix; dA' from the accumulators;
//                          dH over the same images by stmatrix; A' into a third            3 images
//                          out
#pragma once

#include "cuda/kernels/gemm/d_act.h"
#include "cuda/kernels/gemm/expert_gemm.cuh"
#include "cuda/kernels/gemm/grouped_gemm.cuh"
#include "cuda/kernels/gemm/up_proj.cuh"

namespace moe::cuda {

template <GemmTile kTileValue>
struct DActSwiglu {
  struct Args {
    ExpertDims dims;
    GatheredRows d_out;
    CUtensorMap w_down, h, d_h, a_scaled;
    const float* row_scores;
    float* d_score_parts;
    std::int64_t rows;
  };
  static constexpr GemmTile kTile = kTileValue;
  static constexpr Ragged kRagged = Ragged::rows;
  static constexpr ptx::Major kMajorA = ptx::Major::k, kMajorB = ptx::Major::mn;
  static constexpr bool kGathersA = true;
  static constexpr int kChunks = kTile.block_n / kImageColumns;

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

  class Epilogue {
   public:
    struct Storage {
      Image gate[kChunks], up[kChunks], a_scaled[kChunks];
      ptx::Mbarrier h_ready[kChunks];
    };
    static __device__ __forceinline__ void init(Storage& storage) {
      for (int chunk = 0; chunk < kChunks; ++chunk) ptx::mbarrier_init(&storage.h_ready[chunk], 1);
    }
    __device__ __forceinline__ Epilogue(const Args& args, Storage& storage, int thread,
                                        int consumer)
        : args_(args), storage_(storage), thread_(thread), barrier_(1 + consumer) {}
    __device__ __forceinline__ void finish_empty(const TileWork&, int) {}

    __device__ __forceinline__ void begin(const TileWork& work, int row) {
      if (thread_ != 0) return;
      ptx::tma_store_wait_read<0>();  // the last tile's images have been read
      const RaggedRow at(work, row);
#pragma unroll
      for (int chunk = 0; chunk < kChunks; ++chunk) {
        const int column = column_of(work, chunk);
        ptx::mbarrier_arrive_expect(&storage_.h_ready[chunk], 2 * kImageBytes);
        ptx::tma_load_5d(&storage_.gate[chunk], args_.h, &storage_.h_ready[chunk], column, 0,
                         at.row, at.base, kRaggedRows);
        ptx::tma_load_5d(&storage_.up[chunk], args_.h, &storage_.h_ready[chunk], column, 1, at.row,
                         at.base, kRaggedRows);
      }
    }

    __device__ __forceinline__ void finish(const TileWork& work, int row,
                                           const float (&acc)[kTile.block_n / 2]) {
      const int row_in_tile = thread_ / 32 * 16 + thread_ % 32 / 4;
      const int first = row + row_in_tile;
      const float* scores = args_.row_scores + work.row_begin;
      const float score[2] = {first < work.row_count ? scores[first] : 0.0f,
                              first + 8 < work.row_count ? scores[first + 8] : 0.0f};
      float d_score[2] = {0.0f, 0.0f};
      const RaggedRow at(work, row);
#pragma unroll
      for (int chunk = 0; chunk < kChunks; ++chunk) {
        ptx::mbarrier_wait(&storage_.h_ready[chunk], parity_);
        transform(chunk, acc + chunk * kImageValues, score, d_score);
        ptx::fence_proxy_async();
        ptx::named_barrier_sync(barrier_, kWarpgroupThreads);
        const int column = column_of(work, chunk);
        if (thread_ == 0 && column < args_.dims.n) {
          ptx::tma_store_5d(args_.d_h, &storage_.gate[chunk], column, 0, at.row, at.base,
                            kRaggedRows);
          ptx::tma_store_5d(args_.d_h, &storage_.up[chunk], column, 1, at.row, at.base,
                            kRaggedRows);
          ptx::tma_store_4d(args_.a_scaled, &storage_.a_scaled[chunk], column, at.row, at.base,
                            kRaggedRows);
          ptx::tma_store_commit();
        }
      }
      parity_ ^= 1;
      write_d_scores(work, first, d_score);
    }

   private:
    static __device__ __forceinline__ int column_of(const TileWork& work, int chunk) {
      return work.tile.column_tile * kTile.block_n + chunk * kImageColumns;
    }

    /// Chunk of 64 columns: H in, dH and A' out, dS of this thread's two rows summed.
    __device__ __forceinline__ void transform(int chunk, const float* d_a, const float (&score)[2],
                                              float (&d_score)[2]) {
      const FragmentPlace place(thread_);
      const std::uint32_t gate_image = ptx::shared_address(storage_.gate[chunk].bytes);
      const std::uint32_t up_image = ptx::shared_address(storage_.up[chunk].bytes);
      const std::uint32_t a_image = ptx::shared_address(storage_.a_scaled[chunk].bytes);
#pragma unroll
      for (int pair = 0; pair < 4; ++pair) {
        const std::uint32_t offset = swizzled_offset(place.row, 2 * pair + place.chunk);
        std::uint32_t gate[4], up[4], a[4];
        ptx::ldmatrix_x4(gate_image + offset, gate);
        ptx::ldmatrix_x4(up_image + offset, up);
#pragma unroll
        for (int i = 0; i < 4; ++i) {  // matrix i: rows +8 for odd i, two neighbouring columns
          const float s = score[i % 2];
          const float* d = d_a + 8 * pair + 2 * i;
          const Pair low =
              backward(ptx::low_of_bf16(gate[i]), ptx::low_of_bf16(up[i]), d[0], s, d_score[i % 2]);
          const Pair high = backward(ptx::high_of_bf16(gate[i]), ptx::high_of_bf16(up[i]), d[1], s,
                                     d_score[i % 2]);
          gate[i] = ptx::pack_bf16(low.d_gate, high.d_gate);
          up[i] = ptx::pack_bf16(low.d_up, high.d_up);
          a[i] = ptx::pack_bf16(low.a_scaled, high.a_scaled);
        }
        ptx::stmatrix_x4(gate_image + offset, gate[0], gate[1], gate[2], gate[3]);
        ptx::stmatrix_x4(up_image + offset, up[0], up[1], up[2], up[3]);
        ptx::stmatrix_x4(a_image + offset, a[0], a[1], a[2], a[3]);
      }
    }

    struct Pair {
      float d_gate, d_up, a_scaled;
    };
    static __device__ __forceinline__ Pair backward(float gate, float up, float d_a, float score,
                                                    float& d_score) {
      const float sigmoid = fast_sigmoid(gate), silu = gate * sigmoid;
      const float a = silu * up, scaled = score * d_a;
      d_score += d_a * a;
      return {scaled * up * (sigmoid + silu * (1.0f - sigmoid)), scaled * silu, score * a};
    }

    /// Four neighbouring lanes hold a row's columns.
    __device__ __forceinline__ void write_d_scores(const TileWork& work, int first,
                                                   float (&d_score)[2]) {
      float* parts = args_.d_score_parts + work.tile.column_tile * args_.rows + work.row_begin;
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float sum = d_score[half];
        sum += __shfl_xor_sync(0xffffffffu, sum, 1);
        sum += __shfl_xor_sync(0xffffffffu, sum, 2);
        const int row = first + 8 * half;
        if (thread_ % 4 == 0 && row < work.row_count) parts[row] = sum;
      }
    }

    const Args& args_;
    Storage& storage_;
    int thread_, barrier_;
    std::uint32_t parity_ = 0;
  };
};

}  // namespace moe::cuda
