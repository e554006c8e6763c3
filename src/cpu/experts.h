// What the variants' loops over experts need: views, products with biases; and the list of CPU
// variants.
#pragma once

#include <vector>

#include "cpu/layer.h"

namespace moe::cpu {

/// Rows [begin, end) of one expert.
struct ExpertRows {
  std::int64_t begin = 0, end = 0;
  std::int64_t count() const { return end - begin; }
};

inline ExpertRows expert_rows(const Pass& pass, std::int64_t expert) {
  return {pass.expert_offsets()[expert], pass.expert_offsets()[expert + 1]};
}

/// The 2-D weight of one expert, [rows, cols] at w[expert].
inline Matrix expert_matrix(TensorView w, std::int64_t expert) {
  return matrix_rows(w, expert * w.shape[1], w.shape[1], w.shape[2]);
}

/// Rows [begin, begin + count) of a [rows, width] buffer as a tensor.
inline TensorView row_view(TensorView buffer, std::int64_t begin, std::int64_t count) {
  const std::int64_t width = buffer.shape[1];
  return {matrix_rows(buffer, begin, count, width).data, buffer.dtype, {count, width}};
}

inline Matrix matrix_of(TensorView view) {
  return matrix_rows(view, 0, view.shape[0], view.shape[1]);
}

/// out [count, ...] = in w[expert]^T + b[expert]; `b` is empty in layers without biases.
void project(const Pass& pass, TensorView in, TensorView w, TensorView b, std::int64_t expert,
             TensorView out);

/// Rows whose sum is the gradient of a bias: scale[i] * rows[row_tokens[i]], null = 1 and i.
struct BiasRows {
  TensorView rows;
  std::int64_t count;
  const std::int32_t* row_tokens = nullptr;
  const float* scale = nullptr;
};
/// d_b[expert] (+)= sum of the rows; nothing where d_b is empty.
void bias_gradient(const BiasRows& from, Accumulate accumulate, TensorView d_b,
                   std::int64_t expert);

/// d_scores[i] += <d_out_rows[i], b_down[expert]>: the bias's part of <dO, Y> where Y is not kept.
void add_bias_scores(TensorView d_out_rows, TensorView b_down, std::int64_t expert,
                     std::int64_t count, float* d_scores);

/// In the order of tables: vanilla, grouped_gemm, sonic.
std::vector<const Variant*> cpu_variants();

}  // namespace moe::cpu
