// Plan of `sonic`: eight to ten steps around two [R, d] buffers that share one address (arXiv
// 2512.14080, section 3).
//
//   up_proj    gather X, H = X W_up^T, A = act(H)      keeps H
//   down_proj  Y = A W_down^T
//   aggregate  out = sum of s * Y                       Y is gone
//   d_act      gather dO, dA' = dO W_down; with H: A, dS = <dA', A>, A' = s A, dH = act'(H) s dA'
//   d_w_down   dO^T A'            d_x_rows  dH W_up            d_w_up  dH^T X
//   d_aggregate  dX = sum of d_x_rows
//
// A backend may gather dO for d_w_down and X for d_w_up in steps of their own (d_gather_out,
// d_gather_x), into the buffer of d_x_rows before it is written, and once d_aggregate has read it.
#include "plan/algorithms.h"
#include "plan/parts.h"

namespace moe::plan {
namespace {

void expert_steps(Builder& builder, const Sizes& s, const Request& request,
                  const KernelScratch& scratch) {
  const double h_bytes = request.training ? s.row_bytes(s.u) : 0;
  router_forward_steps(builder, s, request, scratch);
  builder.forward_step("up_proj", s.up_flops(),
                       s.token_bytes() + s.w_up_bytes() + h_bytes + s.row_bytes(s.n));
  builder.forward_step("down_proj", s.down_flops(), s.row_bytes(s.n + s.d) + s.w_down_bytes());
  builder.forward_step("aggregate", 0, s.row_bytes(s.d) + s.token_bytes());
  shared_forward_step(builder, s, request);

  builder.backward_step("d_act", s.down_flops(),
                        s.token_bytes() + s.w_down_bytes() + s.row_bytes(2.0 * s.u + s.n));
  const double gather_bytes = s.token_bytes() + s.row_bytes(s.d);
  if (scratch.gathers_again.d_out) builder.backward_step("d_gather_out", 0, gather_bytes);
  builder.backward_step("d_w_down", s.down_flops(),
                        (scratch.gathers_again.d_out ? s.row_bytes(s.d) : s.token_bytes()) +
                            s.row_bytes(s.n) + s.w_down_bytes());
  builder.backward_step("d_x_rows", s.up_flops(), s.row_bytes(s.u + s.d) + s.w_up_bytes());
  if (scratch.gathers_again.x) {
    d_aggregate_step(builder, s, scratch);
    builder.backward_step("d_gather_x", 0, gather_bytes);
    builder.backward_step("d_w_up", s.up_flops(), s.row_bytes(s.u + s.d) + s.w_up_bytes());
  } else {
    builder.backward_step("d_w_up", s.up_flops(),
                          s.token_bytes() + s.row_bytes(s.u) + s.w_up_bytes());
    d_aggregate_step(builder, s, scratch);
  }
  shared_backward_step(builder, s, request);
  router_backward_step(builder, s, scratch);
}

/// Only where no kernel gathers by itself: a block of gathered rows in place of [R, d].
void block_buffers(Builder& builder, const Sizes& s, const Request& request) {
  if (s.B == 0) return;
  builder.workspace("x_block", s.dtype, {s.B, s.d}, "up_proj", "up_proj");
  if (!request.training) {
    builder.workspace("h_block", s.dtype, {s.B, s.u}, "up_proj", "up_proj");
    return;
  }
  builder.workspace("d_out_block", s.dtype, {s.B, s.d}, "d_act", "d_w_down");
  builder.workspace("d_a_block", DType::f32, {s.B, s.n}, "d_act", "d_act");
  builder.workspace("x_block_again", s.dtype, {s.B, s.d}, "d_w_up", "d_w_up");
}

}  // namespace

Plan sonic(const Request& request, const DeviceTraits& traits, const KernelScratch& scratch) {
  const Sizes s(request, traits);
  Builder builder(request, traits);
  expert_steps(builder, s, request, scratch);
  common_buffers(builder, s, request, traits, scratch, "d_act");
  block_buffers(builder, s, request);
  builder.workspace("a", s.dtype, {s.R, s.n}, "up_proj", "down_proj");
  builder.workspace("y", s.dtype, {s.R, s.d}, "down_proj", "aggregate");
  if (request.training) {
    builder.saved("h", s.dtype, {s.R, s.u});
    if (request.keep_saved) {
      builder.workspace("d_h", s.dtype, {s.R, s.u}, "d_act", "d_w_up");  // else d_h overwrites h
    }
    if (scratch.d_score_columns > 0) {
      const auto parts_of = [&](std::int64_t columns) {
        return (columns + scratch.d_score_columns - 1) / scratch.d_score_columns;
      };
      const std::int64_t parts =
          parts_of(s.n) + (request.config.expert_bias ? parts_of(s.d) : 0);  // <dO, b_down> too
      builder.workspace("d_score_parts", DType::f32, {parts, s.R}, "d_act", "d_act");
    }
    builder.workspace("a_scaled", s.dtype, {s.R, s.n}, "d_act", "d_w_down");
    builder.workspace("d_x_rows", s.dtype, {s.R, s.d},
                      scratch.gathers_again.d_out ? "d_gather_out" : "d_x_rows",
                      scratch.gathers_again.x ? "d_w_up" : "d_aggregate");
  }
  return builder.finish();
}

}  // namespace moe::plan
