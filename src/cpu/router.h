// The router on the CPU: logits, choice, rows; and its backward pass.
#pragma once

#include "cpu/layer.h"

namespace moe::cpu {

/// Steps router_logits, choose and, with `make_rows`, permute. A copy of the logits goes to
/// `logits_copy`.
void route(const Pass& pass, TensorView logits_copy, bool make_rows);

/// Copies the caller's routing into the saved region, so that every later step reads one place.
void copy_given_routing(const Pass& pass, std::int64_t max_rows);

/// Step d_router: "d_scores" to d_w_router, and the router's part of d_x is added.
void router_backward(const Pass& pass, const InputGradients& gradients);

}  // namespace moe::cpu
