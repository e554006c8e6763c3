// The gate of a shared expert, its score: sigmoid(x w_shared_gate). Two thin products through
// cuBLAS around the kernels of kernels/shared_gate.
#pragma once

#include "cuda/variants/layer.h"

namespace moe::cuda {

/// Writes "shared_gate" [T] and scales the rows of `a` [T, n_shared] by it.
void apply_gate(const Pass& pass, TensorView a);

/// "shared_d_gate" [T] to X's share of d_x, which is added, and to d_w_shared_gate where it is
/// wanted.
void gate_gradients(const Pass& pass, const InputGradients& gradients);

}  // namespace moe::cuda
