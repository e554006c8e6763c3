// The router on the GPU: logits, choice, rows; and its backward pass. No host wait.
#pragma once

#include "cuda/variants/layer.h"

namespace moe::cuda {

/// Steps router_logits, choose, round and permute. A copy of the logits goes to `logits_copy`.
void route(const Pass& pass, TensorView logits_copy);

/// Copies the caller's routing into the saved region, so that every later step reads one place.
void copy_given_routing(const Pass& pass);

/// First part of step d_router: "d_scores" to d_logits [T, E], of the layer's type, which it
/// returns.
const void* logit_gradients(const Pass& pass);

/// Step d_router, or what is left of it where the sum of dX has the router's part: d_w_router, and
/// that part is added to d_x.
void router_backward(const Pass& pass, const InputGradients& gradients);

}  // namespace moe::cuda
