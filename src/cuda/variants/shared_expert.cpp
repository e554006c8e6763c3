// Shared expert steps on the Hopper kernels.
#include "cuda/variants/shared_expert.h"

#include "cuda/kernels/aggregate/sum_parts.h"
#include "cuda/kernels/fill/all_tokens.h"
#include "cuda/kernels/gemm/d_act.h"
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/select_tile.h"
#include "cuda/kernels/gemm/up_proj.h"
#include "cuda/variants/shared_gate.h"

namespace moe::cuda {
namespace {

/// Every token as a row of expert 0, its score 1 or its gate.
struct AllTokensRouting {
  int* offsets;
  int* tokens;
  float* scores;

  explicit AllTokensRouting(const Pass& pass)
      : offsets(pass.arena.get<int>("shared_offsets")),
        tokens(pass.arena.get<int>("shared_tokens")),
        scores(pass.arena.get<float>("shared_scores")) {
    fill_all_tokens(offsets, tokens, scores, pass.tokens, pass.stream);
    if (pass.config.shared.gated) scores = pass.arena.get<float>("shared_gate");
  }
};

void add_rows(const Pass& pass, const AllTokensRouting& all, TensorView a, TensorView w,
              WeightLayout layout, int n, int k, TensorView c) {
  const auto choice = select_rows_tile(pass.max_tokens, n, k, pass.card);
  multiply_rows({.a = a.data,
                 .b = w.data,
                 .c = c.data,
                 .expert_offsets = all.offsets,
                 .rows = pass.tokens,
                 .num_experts = 1,
                 .n = n,
                 .k = k,
                 .adds = true,
                 .turns = pass.turns(choice.in_step),
                 .stream_scratch = pass.stream_scratch(),
                 .dtype = pass.config.dtype},
                layout, choice.tile, pass.card.num_multiprocessors, pass.stream);
}

}  // namespace

void shared_expert_forward(const Pass& pass, TensorView out) {
  const StepScope step(pass, "shared_expert");
  const int d = pass.hidden_dim(), ns = static_cast<int>(pass.config.shared.ffn_dim);
  const AllTokensRouting all(pass);
  void* h = pass.arena.has("shared_h") ? pass.buffer("shared_h").data : nullptr;
  const TensorView a = pass.buffer("shared_a");
  const auto choice = select_up_proj_tile(d, pass.card);
  up_proj({.x = pass.inputs.x.data,
           .row_tokens = all.tokens,
           .w_up = pass.weights.w_shared_up.data,
           .h = h,
           .a = a.data,
           .expert_offsets = all.offsets,
           .num_experts = 1,
           .n = ns,
           .d = d,
           .activation = pass.config.activation,
           .turns = pass.turns(choice.in_step),
           .dtype = pass.config.dtype},
          choice.tile, pass.card.num_multiprocessors, pass.stream);
  if (pass.config.shared.gated) apply_gate(pass, a);
  add_rows(pass, all, a, pass.weights.w_shared_down, WeightLayout::n_by_k, d, ns, out);
}

void shared_expert_backward(const Pass& pass, TensorView d_out, const InputGradients& gradients) {
  const StepScope step(pass, "d_shared_expert");
  const int d = pass.hidden_dim(), ns = static_cast<int>(pass.config.shared.ffn_dim),
            us = static_cast<int>(pass.config.shared_up_dim());
  const AllTokensRouting all(pass);
  const TensorView h = pass.buffer("shared_h"), a_scaled = pass.buffer("shared_a_scaled");
  const TensorView d_h = pass.arena.has("shared_d_h") ? pass.buffer("shared_d_h") : h;
  const bool adds = gradients.accumulate == Accumulate::add;
  const auto gradient = [&](TensorView rows, TensorView b, int n, TensorView d_w, bool transposed) {
    if (d_w.empty()) return;
    weight_gradient({.a = rows.data,
                     .b = b.data,
                     .c = d_w.data,
                     .expert_offsets = all.offsets,
                     .row_tokens = all.tokens,
                     .num_experts = 1,
                     .m = d,
                     .n = n,
                     .transposed = transposed,
                     .adds = adds,
                     .dtype = pass.config.dtype},
                    select_gradient_tile(d, n), pass.card.num_multiprocessors, pass.stream);
  };
  auto* parts = pass.arena.get<float>("shared_score_parts");
  const auto choice = select_d_act_tile(d, pass.card);
  d_act({d_out.data, all.tokens, all.scores, pass.weights.w_shared_down.data, h.data, d_h.data,
         a_scaled.data, parts, pass.tokens, all.offsets, 1, ns, d, pass.config.activation,
         pass.turns(choice.in_step), pass.config.dtype},
        choice.tile, pass.card.num_multiprocessors, pass.stream);
  gradient(d_out, a_scaled, ns, gradients.weights.w_shared_down, false);
  add_rows(pass, all, d_h, pass.weights.w_shared_up, WeightLayout::k_by_n, d, us, gradients.d_x);
  gradient(pass.inputs.x, d_h, us, gradients.weights.w_shared_up, true);
  if (!pass.config.shared.gated) return;
  sum_parts({parts, pass.arena.get<float>("shared_d_gate"), all.offsets, 1, d_score_part_count(ns),
             pass.tokens},
            pass.stream);
  gate_gradients(pass, gradients);
}

}  // namespace moe::cuda
