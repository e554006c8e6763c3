// The activation over rows: forward, backward, and the epilogue of SonicMoE's backward pass.
// Columns of h and d_h stand as the rows of the W_up that they come from. Rows are split over
// OpenMP threads; results do not depend on their number.
#pragma once

#include <cstdint>

#include "moe/config.h"
#include "moe/tensor.h"

namespace moe::cpu {

/// a [count, n] = activation(h [count, u]).
void activate(Activation activation, UpLayout layout, TensorView h, std::int64_t count,
              std::int64_t n, TensorView a);

/// d_h [count, u] from d_a [count, n] and h [count, u].
void activate_backward(Activation activation, UpLayout layout, TensorView h, TensorView d_a,
                       std::int64_t count, std::int64_t n, TensorView d_h);

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
void sonic_epilogue(Activation activation, UpLayout layout, const SonicEpilogue& rows,
                    std::int64_t count, std::int64_t n);

}  // namespace moe::cpu
