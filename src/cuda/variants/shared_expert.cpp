// Shared expert steps.
#include "cuda/variants/shared_expert.h"

#include "cuda/kernels/aggregate/sum_parts.h"
#include "cuda/kernels/fill/all_tokens.h"
#include "cuda/kernels/gemm/d_act.h"
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/select_tile.h"
#include "cuda/kernels/gemm/up_proj.h"
#include "cuda/kernels/shared_gate/shared_gate.h"

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
  multiply_rows({a.data, w.data, c.data, all.offsets, pass.tokens, 1, n, k, true}, layout,
                select_rows_tile(pass.tokens, n, k, pass.num_multiprocessors),
                pass.num_multiprocessors, pass.stream);
}

/// A's rows scaled by sigmoid(x w_shared_gate).
void apply_gate(const Pass& pass, TensorView a, int ns) {
  const std::int64_t d = pass.config.hidden_dim;
  auto* gates = pass.arena.get<float>("shared_gate");
  pass.blas.gemm_rows(
      {.a = {.data = pass.inputs.x.data, .stride = d},
       .b = {.data = pass.weights.w_shared_gate.data, .stride = d, .transposed = true},
       .c = {.data = gates, .stride = 1},
       .m = pass.tokens,
       .n = 1,
       .k = d,
       .out_dtype = DType::f32});
  apply_shared_gate(gates, a.data, pass.tokens, ns, pass.stream);
}

/// From the parts of d_gate that the activation gradient left: d_w_shared_gate, and X's share.
void gate_gradients(const Pass& pass, const AllTokensRouting& all, const float* parts, int ns,
                    const InputGradients& gradients) {
  const std::int64_t d = pass.config.hidden_dim;
  auto* d_gate = pass.arena.get<float>("shared_d_gate");
  void* d_logits = pass.buffer("shared_d_gate_logits").data;
  sum_parts({parts, d_gate, all.offsets, 1, d_score_part_count(ns), pass.tokens}, pass.stream);
  shared_gate_backward(pass.arena.get<float>("shared_gate"), d_gate, d_logits, pass.tokens,
                       pass.stream);
  pass.blas.gemm_rows({.a = {.data = d_logits, .stride = 1},
                       .b = {.data = pass.weights.w_shared_gate.data, .stride = d},
                       .c = {.data = gradients.d_x.data, .stride = d},
                       .m = pass.tokens,
                       .n = d,
                       .k = 1,
                       .accumulate = Accumulate::add});
  if (gradients.weights.w_shared_gate.empty()) return;
  pass.blas.gemm_rows({.a = {.data = d_logits, .stride = 1, .transposed = true},
                       .b = {.data = pass.inputs.x.data, .stride = d},
                       .c = {.data = gradients.weights.w_shared_gate.data, .stride = d},
                       .m = 1,
                       .n = d,
                       .k = pass.tokens,
                       .accumulate = gradients.accumulate});
}

}  // namespace

void shared_expert_forward(const Pass& pass, TensorView out) {
  const StepScope step(pass, "shared_expert");
  const int d = pass.hidden_dim(), ns = static_cast<int>(pass.config.shared.ffn_dim);
  const AllTokensRouting all(pass);
  void* h = pass.arena.has("shared_h") ? pass.buffer("shared_h").data : nullptr;
  const TensorView a = pass.buffer("shared_a");
  up_proj({pass.inputs.x.data, all.tokens, pass.weights.w_shared_up.data, h, a.data, all.offsets, 1,
           ns, d, pass.config.activation},
          select_up_proj_tile(d), pass.num_multiprocessors, pass.stream);
  if (pass.config.shared.gated) apply_gate(pass, a, ns);
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
    weight_gradient(
        {rows.data, b.data, d_w.data, all.offsets, all.tokens, 1, d, n, transposed, adds},
        select_gradient_tile(true, d), pass.num_multiprocessors, pass.stream);
  };
  auto* parts = pass.arena.get<float>("shared_score_parts");
  d_act({d_out.data, all.tokens, all.scores, pass.weights.w_shared_down.data, h.data, d_h.data,
         a_scaled.data, parts, pass.tokens, all.offsets, 1, ns, d, pass.config.activation},
        select_d_act_tile(), pass.num_multiprocessors, pass.stream);
  gradient(d_out, a_scaled, ns, gradients.weights.w_shared_down, false);
  add_rows(pass, all, d_h, pass.weights.w_shared_up, WeightLayout::k_by_n, d, us, gradients.d_x);
  gradient(pass.inputs.x, d_h, us, gradients.weights.w_shared_up, true);
  if (pass.config.shared.gated) gate_gradients(pass, all, parts, ns, gradients);
}

}  // namespace moe::cuda
