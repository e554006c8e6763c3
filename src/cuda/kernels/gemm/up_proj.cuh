// Up-projection as a Product. Where the activation is gated, a tile of 2 c columns is c gate
// columns followed by the c up columns that belong to them, so that a thread holds both halves of a
// pair in its own registers and no weight is rearranged:
//
//   acc[0 .. c/2)      gate columns          acc[c/2 .. c)      up columns
#pragma once

#include "cuda/kernels/gemm/activation_form.cuh"
#include "cuda/kernels/gemm/grouped_gemm.cuh"
#include "cuda/kernels/gemm/skeleton/expert_gemm.cuh"
#include "cuda/kernels/gemm/up_proj.h"
#include "cuda/tile/column_bias.cuh"

namespace moe::cuda {

template <class ElementType, GemmTile kTileValue, class Form>
struct UpProj {
  using Element = ElementType;
  struct Args {
    ExpertDims dims;  // n: columns of A times kParts
    GatheredRows x;
    CUtensorMap w_up, h, a;
    const Element* b_up;
    UpLayout layout;  // of b_up; that of W_up stands in its tensor map
    int ffn_dim;
    Activation activation;
    bool stores_h;
  };
  static constexpr GemmTile kTile = kTileValue;
  static constexpr Ragged kRagged = Ragged::rows;
  static constexpr ptx::Major kMajorA = ptx::Major::k, kMajorB = ptx::Major::k;
  static constexpr bool kGathersA = true;
  static constexpr bool kStreams = false;
  static constexpr int kTailSteps = 0;
  static constexpr int kParts = Form::kParts, kColumns = kTile.block_n / kParts;  // of A per tile
  static constexpr int kChunks = kColumns / kImageColumns;
  static_assert(kColumns % 64 == 0, "gate and up in whole boxes");

  static __device__ __forceinline__ const GatheredRows& gathered(const Args& args) {
    return args.x;
  }

  template <bool kMulticast>
  static __device__ __forceinline__ void load_b_box(const Args& args, std::byte* smem,
                                                    ptx::Mbarrier* filled, const TileWork& work,
                                                    int step, int box) {
    constexpr int kPartBoxes = kColumns / 64;
    const int column = work.tile.column_tile * kColumns + box % kPartBoxes * 64,
              part = box / kPartBoxes;
    if constexpr (kMulticast) {
      ptx::tma_load_4d_multicast(smem, args.w_up, filled, kBothCtas, step * kTile.block_k, column,
                                 part, work.expert);
    } else {
      ptx::tma_load_4d(smem, args.w_up, filled, step * kTile.block_k, column, part, work.expert);
    }
  }

  class Epilogue {
   public:
    static constexpr bool kHolds = false;  // gained nothing here
    struct Storage {
      CtaImages images;
    };
    __device__ __forceinline__ Epilogue(const Args& args, Storage& storage, int thread,
                                        int consumer)
        : args_(args), images_(storage.images, thread, consumer) {}

    __device__ __forceinline__ void begin(const TileWork&, int) {}
    __device__ __forceinline__ void finish_empty(const TileWork&, int) {}

    __device__ __forceinline__ void finish(const TileWork& work, int row,
                                           float (&acc)[kTile.block_n / 2]) {
      const RaggedRow at(work, row);
      const auto column_of = [&](int chunk) {
        return work.tile.column_tile * kColumns + chunk * kImageColumns;
      };
      const auto part_of = [&](int part, int chunk) {
        return acc + part * (kTile.block_n / 4) + chunk * kImageValues;
      };
      if (args_.b_up != nullptr) {
#pragma unroll
        for (int i = 0; i < kParts * kChunks; ++i) {
          const int part = i / kChunks, chunk = i % kChunks;
          add_bias(part_of(part, chunk), work.expert, part, column_of(chunk));
        }
      }
      if (args_.stores_h) {
        images_.store<kParts * kChunks>(
            [&](int i, Image& image) {
              pack_image<Element>(image, part_of(i / kChunks, i % kChunks), images_.thread());
            },
            [&](int i, const Image& image) {
              const int column = column_of(i % kChunks);
              if (column < args_.ffn_dim)
                ptx::tma_store_5d(args_.h, &image, column, i / kChunks, at.row, at.base,
                                  kRaggedRows);
            });
      }
      Form::visit(args_.activation, [&]<Activation kActivation>() {
#pragma unroll
        for (int i = 0; i < kChunks * kImageValues; ++i) {
          const float up = kParts == 2 ? acc[kTile.block_n / 4 + i] : acc[i];  // ungated: unused
          acc[i] = activation_at<kActivation, MathFor<Element>>(acc[i], up).a;
        }
      });
      images_.store<kChunks>(
          [&](int chunk, Image& image) {
            pack_image<Element>(image, part_of(0, chunk), images_.thread());
          },
          [&](int chunk, const Image& image) {
            if (column_of(chunk) < args_.ffn_dim)
              ptx::tma_store_4d(args_.a, &image, column_of(chunk), at.row, at.base, kRaggedRows);
          });
    }

   private:
    __device__ __forceinline__ void add_bias(float* values, int expert, int part, int column) {
      const bool interleaved = kParts == 2 && args_.layout == UpLayout::interleaved;
      const int first = interleaved ? kParts * column + part : part * args_.ffn_dim + column;
      const Element* own = args_.b_up + std::int64_t{expert} * kParts * args_.ffn_dim + first;
      add_column_bias(values, own, args_.ffn_dim - column, images_.thread(),
                      interleaved ? kParts : 1);
    }

    const Args& args_;
    ImageStore images_;
  };
};

}  // namespace moe::cuda
