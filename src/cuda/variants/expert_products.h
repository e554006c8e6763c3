// What `grouped_gemm` and `sonic` do alike between the experts' products.
#pragma once

#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/variants/layer.h"

namespace moe::cuda {

/// c [rows, n] = a [rows, k] times each expert's w (+ bias [E, n]). `interleaved`: as in
/// GroupedRowsProblem.
void multiply(const Pass& pass, TensorView a, TensorView w, WeightLayout layout, int n, int k,
              TensorView c, TensorView bias = {}, bool interleaved = false);

/// d_w [E, m, n] = (or +=) a [rows, m]^T b [rows, n] of each expert's rows, nothing gathered. Empty
/// d_w: not wanted.
void multiply_transposed(const Pass& pass, TensorView a, TensorView b, int m, int n, TensorView d_w,
                         Accumulate accumulate);

/// True where the sum of dX over rows takes the router's part along, which saves a product that
/// reads and writes all of dX once more: gates whose d_logits are zero but for a few experts.
bool sums_router_part(const LayerConfig& config);

/// Step d_aggregate: d_x = each token's rows of dX, summed; with the router's part where
/// pass.sums_router_part, after the part of step d_router that it needs.
void sum_input_gradient(const Pass& pass, TensorView d_x_rows, TensorView d_x);

}  // namespace moe::cuda
