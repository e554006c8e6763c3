// The passenger of a product whose own rows it sums. Work is dealt from a queue: an item is 512
// columns of a few neighbouring tokens, and items of the first stripe come first. Whoever is free
// takes the next one: three warps of every producer warpgroup from the start, the consumers when
// they have multiplied all they had.
//
//   rows of the item's tokens in one line   17 240 911 | 3 8 | 52 77 90 ...
//   half batches of four, two under way     [. . . .] [. . . .]
//   behind a token's last row its sum is stored     ^     ^
//
// Memory answers slowly beside a product: while an item is summed, the next one's tokens and rows
// are looked up and the one after is taken. The order of additions is that of each token's list,
// whoever adds.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "cuda/kernels/gemm/passengers/stripe_sums.h"
#include "cuda/ptx/tma.cuh"
#include "cuda/ptx/warp.cuh"
#include "cuda/tile/row_vector.cuh"

namespace moe::cuda {

struct StripeSumsArgs {
  const __nv_bfloat16* y;
  const float* row_scales;
  const int *token_offsets, *token_rows;
  __nv_bfloat16* out;
  int tokens, d;
  int tokens_per_item;  // 1 to 31
  int stripes, stripe_columns;
  unsigned* next_item;
  unsigned* finished;  // [stripes]: consumer warpgroups that have stored their tiles
};

/// A warp at the queue.
class StripeSummer {
 public:
  static constexpr int kHalfRows = 4, kBatchRows = 2 * kHalfRows, kWindow = 32;
  static constexpr int kBlocks = 2, kBlockColumns = 256, kSegmentColumns = kBlocks * kBlockColumns;

  __device__ __forceinline__ StripeSummer(const StripeSumsArgs& args, unsigned finishers)
      : args_(args),
        finishers_(finishers),
        lane_(threadIdx.x % 32),
        chunks_((args.tokens + args.tokens_per_item - 1) / args.tokens_per_item),
        items_(chunks_ * ((args.d + kSegmentColumns - 1) / kSegmentColumns)) {}

  __device__ __forceinline__ void run() {
    Item item, next;
    unsigned taken = take();
    look_up_tokens(item, taken);
    look_up_rows(item);
    taken = take();
    int ready = 0;  // stripes known to be there
    while (item.index < items_) {
      const int stripe = item.segment * kSegmentColumns / args_.stripe_columns;
#pragma unroll 1
      for (; ready <= stripe; ++ready) await(ready);
      sum(item, [&](int batch) {
        if (batch == 0) look_up_tokens(next, taken);
        if (batch == 1) look_up_rows(next);
        if (batch == 2) taken = take();
      });
      item = next;
    }
  }

 private:
  static constexpr unsigned kAllLanes = 0xffffffffu;
  using Vector = RowVector<__nv_bfloat16>;

  /// `count` tokens from `first`. Lane i knows where the rows of token i begin, up to the one
  /// behind the last, and the i-th row of all.
  struct Item {
    int index, segment, first, count;
    int offset, row;
  };

  /// 32 rows, one in each lane.
  struct Window {
    int row;
    float scale;
  };

  struct Half {
    uint4 words[kHalfRows][kBlocks];
  };

  /// Lane 0's result is the number of an item.
  __device__ __forceinline__ unsigned take() {
    return lane_ == 0 ? atomicAdd(args_.next_item, 1u) : 0;
  }

  __device__ __forceinline__ void look_up_tokens(Item& item, unsigned taken) {
    item.index = static_cast<int>(__shfl_sync(kAllLanes, taken, 0));
    if (item.index >= items_) return;
    item.segment = item.index / chunks_;
    item.first = item.index % chunks_ * args_.tokens_per_item;
    item.count = min(args_.tokens_per_item, args_.tokens - item.first);
    item.offset = lane_ <= item.count ? args_.token_offsets[item.first + lane_] : 0;
  }

  __device__ __forceinline__ void look_up_rows(Item& item) {
    if (item.index >= items_) return;
    const int begin = __shfl_sync(kAllLanes, item.offset, 0);
    item.row = read_row(begin, __shfl_sync(kAllLanes, item.offset, item.count));
  }

  /// The lane's row of a window from `begin` on.
  __device__ __forceinline__ int read_row(int begin, int end) {
    return begin + lane_ < end ? args_.token_rows[begin + lane_] : -1;
  }

  __device__ __forceinline__ float read_scale(int row) {
    return args_.row_scales != nullptr && row >= 0 ? args_.row_scales[row] : 1.0f;
  }

  /// Waits until all consumers have announced a stripe.
  __device__ __forceinline__ void await(int stripe) {
    if (lane_ == 0) {
      while (ptx::load_acquire(args_.finished + stripe) < finishers_) __nanosleep(200);
    }
    __syncwarp();
  }

  /// between(i) is called once for each i from 0 to 2 at least, while rows are on their way.
  template <class Between>
  __device__ __forceinline__ void sum(const Item& item, Between&& between) {
    begin_ = __shfl_sync(kAllLanes, item.offset, 0);
    end_ = __shfl_sync(kAllLanes, item.offset, item.count);
    column_ = item.segment * kSegmentColumns + lane_ * 8;
    window_ = 0;
    now_ = {item.row, read_scale(item.row)};
    next_row_ = read_row(begin_ + kWindow, end_);
    token_ = 0;
    token_end_ = __shfl_sync(kAllLanes, item.offset, 1);
    if (token_end_ == begin_) store_tokens_until(begin_, item);
    Half half[2];
    load(begin_, half[0]);
    load(begin_ + kHalfRows, half[1]);
    int batch = 0;
    for (int at = begin_; at < end_; at += kBatchRows, ++batch) {
      add(at, half[0], item);
      load(at + kBatchRows, half[0]);
      add(at + kHalfRows, half[1], item);
      load(at + kBatchRows + kHalfRows, half[1]);
      between(batch);
    }
    for (; batch < 3; ++batch) between(batch);
  }

  /// Half batches come in order. The scales of a window are asked for when half of the window
  /// before is loaded.
  __device__ __forceinline__ void load(int from, Half& half) {
    if (from >= end_) return;
    const int place = (from - begin_) % kWindow;
    if (place == 0 && from > begin_) {
      ++window_;
      before_scale_ = now_.scale;
      now_ = {next_row_, next_scale_};
      next_row_ = read_row(from + kWindow, end_);
    }
    if (place == kWindow / 2) next_scale_ = read_scale(next_row_);
#pragma unroll
    for (int i = 0; i < kHalfRows; ++i) {
      const std::int64_t row = __shfl_sync(kAllLanes, now_.row, place + i);
      const __nv_bfloat16* y = args_.y + row * args_.d + column_;
#pragma unroll
      for (int b = 0; b < kBlocks; ++b) {
        // Past the first-level cache, which does not see what other multiprocessors write.
        if (from + i < end_ && column_ + b * kBlockColumns < args_.d)
          half.words[i][b] = __ldcg(reinterpret_cast<const uint4*>(y + b * kBlockColumns));
      }
    }
  }

  __device__ __forceinline__ void add(int from, const Half& half, const Item& item) {
    const int place = (from - begin_) % kWindow;
    const float scales = (from - begin_) / kWindow == window_ ? now_.scale : before_scale_;
#pragma unroll
    for (int i = 0; i < kHalfRows; ++i) {
      if (from + i >= end_) return;
      const float scale = __shfl_sync(kAllLanes, scales, place + i);
#pragma unroll
      for (int b = 0; b < kBlocks; ++b) {
        const Vector values = unpack<__nv_bfloat16>(half.words[i][b]);
#pragma unroll
        for (int c = 0; c < 8; ++c) sum_[b].value[c] += scale * values.value[c];
      }
      if (from + i + 1 == token_end_) store_tokens_until(from + i + 1, item);
    }
  }

  /// Stores the sum of the token whose rows end at `row`, and zeros for tokens without rows behind
  /// it.
  __device__ __forceinline__ void store_tokens_until(int row, const Item& item) {
    do {
      __nv_bfloat16* out = args_.out + std::int64_t{item.first + token_} * args_.d + column_;
#pragma unroll
      for (int b = 0; b < kBlocks; ++b) {
        if (column_ + b * kBlockColumns < args_.d)
          store_vector_streaming(out + b * kBlockColumns, sum_[b]);
        sum_[b] = {};
      }
      ++token_;
      token_end_ = token_ < item.count ? __shfl_sync(kAllLanes, item.offset, token_ + 1) : -1;
    } while (token_end_ == row);
  }

  const StripeSumsArgs& args_;
  const unsigned finishers_;
  const int lane_, chunks_, items_;
  // Of the item that is summed:
  int begin_, end_;  // of its rows
  int column_;       // the lane's first
  int token_, token_end_;
  int window_;
  Window now_;
  int next_row_;
  float next_scale_ = 1.0f, before_scale_ = 1.0f;
  Vector sum_[kBlocks] = {};
};

struct StripeSums {
  using Args = StripeSumsArgs;
  static constexpr int kThreads = 96;
  static constexpr int kFinishersPerCta = 2;  // the consumers

  static __device__ __forceinline__ void run(const Args& args, int = 0) {
    StripeSummer(args, gridDim.x * kFinishersPerCta).run();
  }

  /// By the thread of a consumer warpgroup that stores: all its tiles of the stripe are in memory.
  static __device__ __forceinline__ void announce(const Args& args, int stripe) {
    ptx::tma_store_wait<0>();
    ptx::add_release(args.finished + stripe, 1);
  }
};

}  // namespace moe::cuda
