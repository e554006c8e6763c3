// Router and shared expert: their steps and buffers.
#include "plan/parts.h"

#include <algorithm>

#include "routing/gate.h"
#include "routing/rows.h"

namespace moe::plan {
namespace {

void router_buffers(Builder& builder, const Sizes& s, const Request& request,
                    const DeviceTraits& traits, const KernelScratch& scratch) {
  builder.saved("expert_offsets", DType::i32, {s.E + 1});
  builder.saved("row_tokens", DType::i32, {s.R});
  builder.saved("row_scores", DType::f32, {s.R});
  builder.saved("token_offsets", DType::i32, {s.T + 1});
  builder.saved("token_rows", DType::i32, {s.R});
  builder.saved("chosen_experts", DType::i32, {s.T, s.K});
  builder.saved("chosen_scores", DType::f32, {s.T, s.K});
  const Gate& gate = request.config.gate;
  if (request.training && routing::backward_needs_norms(gate)) {
    builder.saved("token_norms", DType::f32, {s.T, 2});
  } else {
    builder.workspace("token_norms", DType::f32, {s.T, 2}, "choose", "permute");
  }
  builder.workspace("logits", DType::f32, {s.T, s.E}, "router_logits", "permute");
  if (request.config.rounding.rule == RoundingRule::none) return;
  if (scratch.round_bytes > 0) {
    builder.workspace("round_scratch", DType::i32,
                      {static_cast<std::int64_t>(scratch.round_bytes + 3) / 4}, "choose", "round");
  } else {
    const std::size_t bytes = routing::rounding_scratch_bytes(s.T, traits.num_cores);
    builder.workspace("rounding_keys", DType::i64, {static_cast<std::int64_t>(bytes + 7) / 8},
                      "permute", "permute");
  }
}

void router_backward_buffers(Builder& builder, const Sizes& s, const Request& request,
                             const KernelScratch& scratch, std::string_view d_scores_from) {
  builder.workspace("d_scores", DType::f32, {s.R}, d_scores_from, "d_router");
  if (!scratch.rounds_d_logits) {
    builder.workspace("d_logits", DType::f32, {s.T, s.E}, "d_router", "d_router");
  }
  if (s.dtype != DType::f32) {
    builder.workspace("d_logits_typed", s.dtype, {s.T, s.E},
                      scratch.sums_router_part ? "d_aggregate" : "d_router", "d_router");
  }
  if (routing::backward_needs_logits(request.config.gate)) {
    builder.workspace("logits_again", DType::f32, {s.T, s.E}, "d_router", "d_router");
  }
}

/// The shared expert as dense products.
void shared_buffers(Builder& builder, const Sizes& s, const Request& request, SharedScheme scheme) {
  const LayerConfig& config = request.config;
  const char* step = "d_shared_expert";
  const bool is_fused = scheme == SharedScheme::fused;
  const std::int64_t ns = config.shared.ffn_dim, us = config.shared_up_dim();
  if (request.training) {
    builder.saved("shared_h", s.dtype, {s.T, us});
    if (config.shared.gated) builder.saved("shared_gate", DType::f32, {s.T});
    builder.workspace("shared_d_a", is_fused ? DType::f32 : s.dtype, {s.T, ns}, step, step);
    builder.workspace("shared_a_scaled", s.dtype, {s.T, ns}, step, step);
    if (config.shared.gated) {
      builder.workspace("shared_d_gate", DType::f32, {s.T}, step, step);
      if (!is_fused) builder.workspace("shared_d_gate_logits", s.dtype, {s.T}, step, step);
    }
    if (request.keep_saved) builder.workspace("shared_d_h", s.dtype, {s.T, us}, step, step);
  } else {
    builder.workspace("shared_h", s.dtype, {s.T, us}, "shared_expert", "shared_expert");
    if (config.shared.gated) {
      builder.workspace("shared_gate", DType::f32, {s.T}, "shared_expert", "shared_expert");
    }
  }
  builder.workspace("shared_a", s.dtype, {s.T, ns}, "shared_expert", "shared_expert");
}

/// The shared expert on kernels of routed experts: one expert, every token a row whose score is 1
/// or its gate.
void shared_row_buffers(Builder& builder, const Sizes& s, const Request& request,
                        const KernelScratch& scratch) {
  const std::int64_t ns = request.config.shared.ffn_dim, us = request.config.shared_up_dim();
  builder.workspace("shared_offsets", DType::i32, {2});
  builder.workspace("shared_tokens", DType::i32, {s.T});
  builder.workspace("shared_scores", DType::f32, {s.T});
  builder.workspace("shared_a", s.dtype, {s.T, ns}, "shared_expert", "shared_expert");
  const bool gated = request.config.shared.gated;
  if (!request.training) {
    if (gated)
      builder.workspace("shared_gate", DType::f32, {s.T}, "shared_expert", "shared_expert");
    return;
  }
  const char* step = "d_shared_expert";
  if (gated) {
    builder.saved("shared_gate", DType::f32, {s.T});
    builder.workspace("shared_d_gate", DType::f32, {s.T}, step, step);
    builder.workspace("shared_d_gate_logits", s.dtype, {s.T}, step, step);
  }
  builder.saved("shared_h", s.dtype, {s.T, us});
  if (request.keep_saved) builder.workspace("shared_d_h", s.dtype, {s.T, us}, step, step);
  builder.workspace("shared_a_scaled", s.dtype, {s.T, ns}, step, step);
  const std::int64_t parts = (ns + scratch.d_score_columns - 1) / scratch.d_score_columns;
  builder.workspace("shared_score_parts", DType::f32, {parts, s.T}, step, step);
}

double shared_weight_count(const LayerConfig& config) {
  const double d = static_cast<double>(config.hidden_dim);
  return d * (config.shared_up_dim() + config.shared.ffn_dim);
}

}  // namespace

void router_forward_steps(Builder& builder, const Sizes& s, const Request& request,
                          const KernelScratch& scratch) {
  const double logit_bytes = 4.0 * s.T * s.E;
  builder.forward_step("router_logits", 2.0 * s.T * s.d * s.E,
                       s.token_bytes() + s.b * s.E * s.d + logit_bytes);
  builder.forward_step("choose", 0, logit_bytes + 8.0 * s.T * s.K);
  const bool rounds = request.config.rounding.rule != RoundingRule::none;
  if (rounds && scratch.round_bytes > 0) {
    builder.forward_step("round", 0, s.T * s.E / 4.0);  // the masks, read and written
  }
  builder.forward_step("permute", 0, 8.0 * s.T * s.K + 12.0 * s.rows);
}

void shared_forward_step(Builder& builder, const Sizes& s, const Request& request) {
  if (request.config.shared.ffn_dim == 0) return;
  const double weights = shared_weight_count(request.config);
  builder.forward_step(
      "shared_expert", 2.0 * s.T * weights,
      2 * s.token_bytes() + s.b * weights + s.b * s.T * request.config.shared_up_dim());
}

void shared_backward_step(Builder& builder, const Sizes& s, const Request& request) {
  if (request.config.shared.ffn_dim == 0) return;
  const double weights = shared_weight_count(request.config);
  builder.backward_step(
      "d_shared_expert", 4.0 * s.T * weights,
      4 * s.token_bytes() + 2 * s.b * weights + 2 * s.b * s.T * request.config.shared_up_dim());
}

void d_aggregate_step(Builder& builder, const Sizes& s, const KernelScratch& scratch) {
  const double sum_bytes = s.row_bytes(s.d) + s.token_bytes();
  if (scratch.sums_router_part) {
    builder.backward_step("d_aggregate", 2.0 * s.rows * s.d,
                          sum_bytes + s.b * (s.E * s.d + s.T * s.E));
  } else {
    builder.backward_step("d_aggregate", 0, sum_bytes);
  }
}

void router_backward_step(Builder& builder, const Sizes& s, const KernelScratch& scratch) {
  const double products = scratch.sums_router_part ? 1 : 2;  // d_w_router, and dX
  builder.backward_step(
      "d_router", products * 2 * s.T * s.d * s.E,
      (2 * products - 1) * s.token_bytes() + products * s.b * s.E * s.d + 8.0 * s.T * s.E);
}

void common_buffers(Builder& builder, const Sizes& s, const Request& request,
                    const DeviceTraits& traits, const KernelScratch& scratch,
                    std::string_view d_scores_from) {
  router_buffers(builder, s, request, traits, scratch);
  if (request.training) router_backward_buffers(builder, s, request, scratch, d_scores_from);
  if (request.config.shared.ffn_dim > 0) {
    if (scratch.shared == SharedScheme::routed) {
      shared_row_buffers(builder, s, request, scratch);
    } else {
      shared_buffers(builder, s, request, scratch.shared);
    }
  }
  if (scratch.permute_bytes > 0) {
    builder.workspace("permute_scratch", DType::i64,
                      {static_cast<std::int64_t>(scratch.permute_bytes + 7) / 8}, "choose",
                      "permute");
  }
  if (scratch.gemm_turns) builder.workspace("gemm_turns", DType::i32, {1});
  if (scratch.stream_bytes > 0) {
    builder.workspace("stream_scratch", DType::i32,
                      {static_cast<std::int64_t>(scratch.stream_bytes + 3) / 4});
  }
  const bool has_bias = request.config.expert_bias || request.config.gate.logit_bias;
  if (scratch.bias_chunks > 0 && has_bias && request.training) {
    const std::int64_t widest = std::max({s.E, s.u, s.d});
    builder.workspace("bias_chunk_sums", DType::f32, {scratch.bias_chunks, widest});
  }
  if (traits.gemm_scratch_bytes > 0) {
    builder.workspace("gemm_scratch", DType::i64,
                      {static_cast<std::int64_t>(traits.gemm_scratch_bytes / 8)});
  }
}

}  // namespace moe::plan
