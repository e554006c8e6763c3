// Plan of `vanilla`. Forward per expert: find its rows, x[rows], up, activation, down, index_add.
// The backward pass mirrors autograd's: every intermediate was kept, gradients of one expert live
// at a time.
#include <algorithm>

#include "plan/algorithms.h"
#include "plan/parts.h"

namespace moe::plan {

Plan vanilla(const Request& request, const DeviceTraits& traits, const KernelScratch& scratch) {
  const Sizes s(request, traits);
  Builder builder(request, traits);

  router_forward_steps(builder, s, request, scratch);
  builder.forward_step(
      "experts", s.up_flops() + s.down_flops(),
      s.w_up_bytes() + s.w_down_bytes() + 2 * s.token_bytes() + s.row_bytes(2.0 * s.d + s.u + s.n));
  shared_forward_step(builder, s, request);
  builder.backward_step("d_experts", 2 * (s.up_flops() + s.down_flops()),
                        2 * (s.w_up_bytes() + s.w_down_bytes()) + 2 * s.token_bytes() +
                            s.row_bytes(4.0 * s.d + 2.0 * s.u + 2.0 * s.n));
  shared_backward_step(builder, s, request);
  router_backward_step(builder, s, scratch);

  common_buffers(builder, s, request, traits, scratch, "d_experts");
  const std::int64_t expert_rows = std::min(s.T, s.R);  // all tokens may choose one expert
  if (request.training) {
    builder.saved("x_gathered", s.dtype, {s.R, s.d});
    builder.saved("h", s.dtype, {s.R, s.u});
    builder.saved("a", s.dtype, {s.R, s.n});
    builder.saved("y", s.dtype, {s.R, s.d});
    builder.workspace("d_y", s.dtype, {expert_rows, s.d}, "d_experts", "d_experts");
    builder.workspace("d_a", s.dtype, {expert_rows, s.n}, "d_experts", "d_experts");
    builder.workspace("d_h", s.dtype, {expert_rows, s.u}, "d_experts", "d_experts");
    builder.workspace("d_x_gathered", s.dtype, {expert_rows, s.d}, "d_experts", "d_experts");
  } else {
    builder.workspace("x_gathered", s.dtype, {expert_rows, s.d}, "experts", "experts");
    builder.workspace("h", s.dtype, {expert_rows, s.u}, "experts", "experts");
    builder.workspace("a", s.dtype, {expert_rows, s.n}, "experts", "experts");
    builder.workspace("y", s.dtype, {expert_rows, s.d}, "experts", "experts");
  }
  Plan plan = builder.finish();
  plan.waits_for_device = true;  // the host loops over row counts that the router made
  plan.capturable = false;
  return plan;
}

}  // namespace moe::plan
