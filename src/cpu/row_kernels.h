// Row work that is neither a matrix product nor an activation: gather and weighted sums. Rows are
// split over OpenMP threads; every output element is written by one thread in a fixed
// order, so results do not depend on the number of threads.
#pragma once

#include <cstdint>

#include "moe/layer.h"
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

/// Every row of rows [count, width] = row [1, width].
void fill_rows(TensorView row, std::int64_t count, TensorView rows);

/// sum [1, width] (+)= sum over i of scale[i] * rows[row_tokens[i]]. row_tokens null = i, scale
/// null = 1. Summed in double: thousands of rows may cancel.
void sum_rows(TensorView rows, const std::int32_t* row_tokens, const float* scale,
              std::int64_t count, Accumulate accumulate, TensorView sum);

/// dots[i] += <rows[i], row>, rows [count, width], row [1, width].
void add_dots(TensorView rows, TensorView row, std::int64_t count, float* dots);

/// d_y [count, d] = scores[i] * d_out[row_tokens[i]]; d_scores[i] = <d_out[row_tokens[i]], y[i]>.
void combine_backward(TensorView d_out, TensorView y, const std::int32_t* row_tokens,
                      const float* scores, std::int64_t count, TensorView d_y, float* d_scores);

}  // namespace moe::cpu
