// The plain epilogue: accumulators to 16-bit rows of C, or added to them.
#pragma once

#include "cuda/kernels/gemm/skeleton/expert_walk.cuh"
#include "cuda/kernels/gemm/skeleton/interleaved_rows.h"
#include "cuda/runtime/tensor_map.h"
#include "cuda/tile/column_bias.cuh"
#include "cuda/tile/store_tile.cuh"

namespace moe::cuda {

/// Coordinates of row `row` of the expert at work in a ragged map.
struct RaggedRow {
  int row, base;
  __device__ __forceinline__ RaggedRow(const TileWork& work, int row_in_expert)
      : row(kRaggedRows - work.row_count + row_in_expert), base(work.row_begin + work.row_count) {}
};

/// Args must have `dims`, the tensor map `c` and `adds`, and with ragged rows a `bias` [E, n] or
/// null. kTransposed stores C[e]^T (reduction only), whose rows Args has a `half` of.
///
/// What the images hold is stored at once; the rest is kept in registers, packed, until the next
/// products run, and nobody waits for the copy engine.
template <class Element, class Args, Ragged kRagged, int kColumns, bool kTransposed>
class StoreRows {
  static constexpr int kChunks = kColumns / kImageColumns;
  static constexpr int kAtOnce = kChunks < kOwnImages ? kChunks : kOwnImages;
  static constexpr int kHeld = kChunks - kAtOnce;

 public:
  static constexpr bool kHolds = kHeld > 0;
  struct Storage {
    CtaImages images;
  };

  __device__ __forceinline__ StoreRows(const Args& args, Storage& storage, int thread, int consumer)
      : args_(args), images_(storage.images, thread, consumer) {}

  __device__ __forceinline__ void begin(const TileWork&, int) {}

  __device__ __forceinline__ void finish(const TileWork& work, int row,
                                         float (&acc)[kColumns / 2]) {
    images_.template store<kAtOnce>(
        [&](int chunk, Image& image) { write(image, pack_chunk(work, chunk, acc)); },
        [&](int chunk, const Image& image) { copy(image, work, row, chunk); });
    if constexpr (kHolds) {
#pragma unroll
      for (int i = 0; i < kHeld; ++i) held_[i] = pack_chunk(work, kAtOnce + i, acc);
      held_work_ = work;
      held_row_ = row;
      has_held_ = true;
    }
  }

  __device__ __forceinline__ void store_held() {
    if (!has_held_) return;
    images_.template store<kHeld>(
        [&](int i, Image& image) { write(image, held_[i]); },
        [&](int i, const Image& image) { copy(image, held_work_, held_row_, kAtOnce + i); });
    has_held_ = false;
  }

  __device__ __forceinline__ void finish_empty(const TileWork& work, int row) {
    images_.template store<kChunks>(
        [&](int, Image& image) { clear_image(image, images_.thread()); },
        [&](int chunk, const Image& image) { copy(image, work, row, chunk); });
  }

 private:
  __device__ __forceinline__ PackedImage pack_chunk(const TileWork& work, int chunk,
                                                    float (&acc)[kColumns / 2]) {
    float* values = acc + chunk * kImageValues;
    if constexpr (kRagged == Ragged::rows) add_bias(work, chunk, values);
    return pack_values<Element>(values);
  }

  __device__ __forceinline__ void write(Image& image, const PackedImage& packed) const {
    if constexpr (kTransposed) {
      write_image_transposed(image, packed, images_.thread());
    } else {
      write_image(image, packed, images_.thread());
    }
  }

  __device__ __forceinline__ void add_bias(const TileWork& work, int chunk, float* values) {
    if (args_.bias == nullptr) return;
    const int column = work.tile.column_tile * kColumns + chunk * kImageColumns;
    const Element* own = args_.bias + std::int64_t{work.expert} * args_.dims.n + column;
    add_column_bias(values, own, args_.dims.n - column, images_.thread());
  }

  __device__ __forceinline__ void copy(const Image& image, const TileWork& work, int row,
                                       int chunk) {
    const int column = work.tile.column_tile * kColumns + chunk * kImageColumns;
    if (column >= args_.dims.n) return;
    if constexpr (kRagged == Ragged::rows) {
      const RaggedRow at(work, row);
      if (args_.adds) {
        ptx::tma_add_4d(args_.c, &image, column, at.row, at.base, kRaggedRows);
      } else {
        ptx::tma_store_4d(args_.c, &image, column, at.row, at.base, kRaggedRows);
      }
    } else {
      int inner = kTransposed ? row : column, outer = kTransposed ? column : row;
      if constexpr (kTransposed) place_interleaved(inner, outer, args_.dims.m, args_.half);
      if (args_.adds) {
        ptx::tma_add_3d(args_.c, &image, inner, outer, work.expert);
      } else {
        ptx::tma_store_3d(args_.c, &image, inner, outer, work.expert);
      }
    }
  }

  const Args& args_;
  ImageStore images_;
  PackedImage held_[kHolds ? kHeld : 1];
  TileWork held_work_;  // with held_row_: where it belongs
  int held_row_;
  bool has_held_ = false;
};

}  // namespace moe::cuda
