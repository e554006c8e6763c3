// The shared expert: a dense MLP over all tokens, computed alike beside every variant. It follows
// sonic's scheme, an expert whose rows are all tokens and whose scores are the gate: only its H is
// kept.
#pragma once

#include "cpu/layer.h"

namespace moe::cpu {

/// out += gate * (act(x w_shared_up^T) w_shared_down^T).
void shared_expert_forward(const Pass& pass, TensorView out);

/// Adds to d_x and writes the wanted shared gradients.
void shared_expert_backward(const Pass& pass, TensorView d_out, const InputGradients& gradients);

}  // namespace moe::cpu
