// Plan of `grouped_gemm`, the strong conventional implementation: one grouped GEMM where the loop
// had E.
#include "plan/algorithms.h"
#include "plan/parts.h"

namespace moe::plan {
namespace {

void expert_steps(Builder& builder, const Sizes& s, const Request& request,
                  const KernelScratch& scratch) {
  router_forward_steps(builder, s, request, scratch);
  builder.forward_step("gather", 0, s.token_bytes() + s.row_bytes(s.d));
  builder.forward_step("up_proj", s.up_flops(), s.row_bytes(s.d + s.u) + s.w_up_bytes());
  builder.forward_step("activation", 0, s.row_bytes(s.u + s.n));
  builder.forward_step("down_proj", s.down_flops(), s.row_bytes(s.n + s.d) + s.w_down_bytes());
  builder.forward_step("aggregate", 0, s.row_bytes(s.d) + s.token_bytes());
  shared_forward_step(builder, s, request);

  builder.backward_step("d_gather", 0,
                        s.token_bytes() + s.row_bytes(2.0 * s.d));  // d_y and dS = <dO, Y>
  builder.backward_step("d_down_proj", s.down_flops(), s.row_bytes(s.d + s.n) + s.w_down_bytes());
  builder.backward_step("d_w_down", s.down_flops(), s.row_bytes(s.d + s.n) + s.w_down_bytes());
  builder.backward_step("d_activation", 0, s.row_bytes(2.0 * s.u + s.n));
  builder.backward_step("d_up_proj", s.up_flops(), s.row_bytes(s.u + s.d) + s.w_up_bytes());
  builder.backward_step("d_w_up", s.up_flops(), s.row_bytes(s.u + s.d) + s.w_up_bytes());
  d_aggregate_step(builder, s, scratch);
  shared_backward_step(builder, s, request);
  router_backward_step(builder, s, scratch);
}

}  // namespace

Plan grouped_gemm(const Request& request, const DeviceTraits& traits,
                  const KernelScratch& scratch) {
  const Sizes s(request, traits);
  Builder builder(request, traits);
  expert_steps(builder, s, request, scratch);
  common_buffers(builder, s, request, traits, scratch, "d_gather");
  if (request.training) {
    builder.saved("x_gathered", s.dtype, {s.R, s.d});
    builder.saved("h", s.dtype, {s.R, s.u});
    builder.saved("a", s.dtype, {s.R, s.n});
    builder.saved("y", s.dtype, {s.R, s.d});
    builder.workspace("d_y", s.dtype, {s.R, s.d}, "d_gather", "d_w_down");
    builder.workspace("d_a", s.dtype, {s.R, s.n}, "d_down_proj", "d_activation");
    builder.workspace("d_h", s.dtype, {s.R, s.u}, "d_activation", "d_w_up");
    builder.workspace("d_x_gathered", s.dtype, {s.R, s.d}, "d_up_proj", "d_aggregate");
  } else {
    builder.workspace("x_gathered", s.dtype, {s.R, s.d}, "gather", "up_proj");
    builder.workspace("h", s.dtype, {s.R, s.u}, "up_proj", "activation");
    builder.workspace("a", s.dtype, {s.R, s.n}, "activation", "down_proj");
    builder.workspace("y", s.dtype, {s.R, s.d}, "down_proj", "aggregate");
  }
  return builder.finish();
}

}  // namespace moe::plan
