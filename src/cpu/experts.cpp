// Products of one expert with its biases.
#include "cpu/experts.h"

#include "cpu/row_kernels.h"

namespace moe::cpu {
namespace {

/// b[expert] of a [E, width] tensor of biases, as one row.
TensorView expert_bias(TensorView b, std::int64_t expert) {
  return row_view(b, expert, 1);
}

}  // namespace

void project(const Pass& pass, TensorView in, TensorView w, TensorView b, std::int64_t expert,
             TensorView out) {
  if (!b.empty()) fill_rows(expert_bias(b, expert), out.shape[0], out);
  pass.multiply(matrix_of(in), transposed(expert_matrix(w, expert)), matrix_of(out),
                b.empty() ? Accumulate::overwrite : Accumulate::add);
}

void bias_gradient(const BiasRows& from, Accumulate accumulate, TensorView d_b,
                   std::int64_t expert) {
  if (d_b.empty()) return;
  sum_rows(from.rows, from.row_tokens, from.scale, from.count, accumulate,
           expert_bias(d_b, expert));
}

void add_bias_scores(TensorView d_out_rows, TensorView b_down, std::int64_t expert,
                     std::int64_t count, float* d_scores) {
  if (!b_down.empty()) add_dots(d_out_rows, expert_bias(b_down, expert), count, d_scores);
}

}  // namespace moe::cpu
