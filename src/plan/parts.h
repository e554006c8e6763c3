// The parts that every variant has in common: the router before the experts, the shared expert
// beside them, and the scratchpad of the GEMM library.
#pragma once

#include "plan/algorithms.h"
#include "plan/builder.h"
#include "plan/sizes.h"

namespace moe::plan {

/// Steps router_logits, choose, round (where rounding is one), permute. Call first, before the
/// steps of the experts.
void router_forward_steps(Builder& builder, const Sizes& sizes, const Request& request,
                          const KernelScratch& scratch);
/// Steps shared_expert / d_shared_expert, where the layer has one.
void shared_forward_step(Builder& builder, const Sizes& sizes, const Request& request);
void shared_backward_step(Builder& builder, const Sizes& sizes, const Request& request);
/// Step d_aggregate: each token's rows of dX, and the router's part where that goes along.
void d_aggregate_step(Builder& builder, const Sizes& sizes, const KernelScratch& scratch);
/// Step d_router: scores to logits to w_router and X. Call last.
void router_backward_step(Builder& builder, const Sizes& sizes, const KernelScratch& scratch);

/// Buffers of all of these. `d_scores_from` names the backward step that writes the score
/// gradients.
void common_buffers(Builder& builder, const Sizes& sizes, const Request& request,
                    const DeviceTraits& traits, const KernelScratch& scratch,
                    std::string_view d_scores_from);

}  // namespace moe::plan
