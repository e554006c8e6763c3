// The shared expert on Hopper: one more expert whose rows are all tokens, on sonic's kernels. Only
// its H is kept.
#pragma once

#include "cuda/variants/layer.h"

namespace moe::cuda {

/// out += gate * act(x w_shared_up^T) w_shared_down^T.
void shared_expert_forward(const Pass& pass, TensorView out);

/// Adds to d_x and writes the wanted shared gradients.
void shared_expert_backward(const Pass& pass, TensorView d_out, const InputGradients& gradients);

}  // namespace moe::cuda
