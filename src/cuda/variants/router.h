// The router on the GPU: logits, choice, rows; and its backward pass. No host wait.
#pragma once

#include "cuda/variants/layer.h"

namespace moe::cuda {

/// Steps router_logits, choose, round and permute. A copy of the logits goes to `logits_copy`.
void route(const Pass& pass, TensorView logits_copy);

/// Copies the caller's routing into the saved region, so that every later step reads one place.
void copy_given_routing(const Pass& pass);

/// Step d_router: "d_scores" to d_w_router, and the router's part of d_x is added.
void router_backward(const Pass& pass, const InputGradients& gradients);

}  // namespace moe::cuda
