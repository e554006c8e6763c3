// Views that the variants' loops over experts need, and the list of CPU variants.
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

/// In the order of tables: vanilla, grouped_gemm, sonic.
std::vector<const Variant*> cpu_variants();

}  // namespace moe::cpu
