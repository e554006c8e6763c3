// Everything that works on rows and is not a matrix product: gather, activation, weighted sums.
// Rows are split over OpenMP threads; every output element is written by one thread in a fixed
// order, so results do not depend on the number of threads.
#pragma once

#include <cstdint>

#include "moe/config.h"
#include "moe/tensor.h"

namespace moe::cpu {

/// dst [count, d] = src[row_tokens[i]], src [T, d].
void gather_rows(TensorView src, const std::int32_t* row_tokens, std::int64_t count,
                 TensorView dst);

/// out [T, d] = sum over the rows r of token t of scale[r] * rows[r]; scale null = 1. Tokens
/// without rows get 0.
void sum_token_rows(TensorView rows, const std::int32_t* token_offsets,
                    const std::int32_t* token_rows, const float* scale, std::int64_t tokens,
                    TensorView out);

/// out[row_tokens[i]] += scale[i] * rows[i]: PyTorch's index_add. scale null = 1.
void index_add_rows(TensorView rows, const std::int32_t* row_tokens, const float* scale,
                    std::int64_t count, TensorView out);

/// d_y [count, d] = scores[i] * d_out[row_tokens[i]]; d_scores[i] = <d_out[row_tokens[i]], y[i]>.
void combine_backward(TensorView d_out, TensorView y, const std::int32_t* row_tokens,
                      const float* scores, std::int64_t count, TensorView d_y, float* d_scores);

/// a [count, n] = activation(h [count, u]).
void activate(Activation activation, TensorView h, std::int64_t count, std::int64_t n,
              TensorView a);

/// d_h [count, u] from d_a [count, n] and h [count, u].
void activate_backward(Activation activation, TensorView h, TensorView d_a, std::int64_t count,
                       std::int64_t n, TensorView d_h);

/// The one epilogue of SonicMoE's backward pass, from dA' = dO W_down^T (f32, not yet scaled by s):
///   a recomputed from h;  d_scores = <d_a, a>;  a_scaled = s a;  d_h = act'(h) s d_a
/// d_h may be h itself. scores null = 1, d_scores null = not wanted.
struct SonicEpilogue {
  TensorView h;         // [count, u]
  const float* d_a;     // [count, n]
  const float* scores;  // [count]
  TensorView a_scaled;  // [count, n]
  TensorView d_h;       // [count, u]
  float* d_scores;      // [count]
};
void sonic_epilogue(Activation activation, const SonicEpilogue& rows, std::int64_t count,
                    std::int64_t n);

}  // namespace moe::cpu
