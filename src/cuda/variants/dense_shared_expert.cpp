// The shared expert in cuBLAS products and elementwise kernels. With dA' = dO W_down and the gate g
// (1 where there is none):
//
//   dg = <dA', A>   dA = g dA'   A' = g A   dH = act'(H) dA   dW_down = dO^T A'   dW_up = dH^T X
//
// so that neither Y nor A need be kept. dA takes the place of dA', A' that of A, dH that of H.
#include "cuda/variants/dense_shared_expert.h"

#include "cuda/kernels/activation/activation.h"
#include "cuda/kernels/aggregate/combine_backward.h"
#include "cuda/kernels/shared_gate/shared_gate.h"
#include "cuda/variants/dense_products.h"
#include "cuda/variants/shared_gate.h"

namespace moe::cuda {
namespace {

int shared_dim(const Pass& pass) {
  return static_cast<int>(pass.config.shared.ffn_dim);
}

ActivationRows every_token(const Pass& pass) {
  return {.expert_offsets = nullptr,
          .num_experts = 0,
          .max_rows = pass.tokens,
          .n = shared_dim(pass),
          .activation = pass.config.activation,
          .dtype = pass.config.dtype};
}

/// dg, dA and A' from dA' and A.
void weigh_by_gate(const Pass& pass, TensorView d_a, TensorView a) {
  const auto* gates = pass.arena.get<float>("shared_gate");
  combine_backward({.d_out = d_a.data,
                    .y = a.data,
                    .row_tokens = nullptr,
                    .token_rows = nullptr,
                    .row_scores = gates,
                    .d_y = d_a.data,
                    .d_scores = pass.arena.get<float>("shared_d_gate"),
                    .expert_offsets = nullptr,
                    .num_experts = 0,
                    .max_rows = pass.tokens,
                    .dtype = pass.config.dtype,
                    .d = shared_dim(pass)},
                   pass.stream);
  scale_by_gates(gates, a.data, pass.config.dtype, pass.tokens, shared_dim(pass), pass.stream);
}

}  // namespace

void dense_shared_expert_forward(const Pass& pass, TensorView out) {
  const StepScope step(pass, "shared_expert");
  const TensorView h = pass.buffer("shared_h"), a = pass.buffer("shared_a");
  multiply(pass, pass.tokens, rows_of(pass.inputs.x), rows_of(pass.weights.w_shared_up), true,
           rows_of(h));
  activate(every_token(pass), h.data, a.data, pass.stream);
  if (pass.config.shared.gated) apply_gate(pass, a);
  multiply(pass, pass.tokens, rows_of(a), rows_of(pass.weights.w_shared_down), true, rows_of(out),
           Accumulate::add);
}

void dense_shared_expert_backward(const Pass& pass, TensorView d_out,
                                  const InputGradients& gradients) {
  const StepScope step(pass, "d_shared_expert");
  const TensorView h = pass.buffer("shared_h"), a = pass.buffer("shared_a_scaled");
  const TensorView d_a = pass.buffer("shared_d_a");
  const TensorView d_h = pass.arena.has("shared_d_h") ? pass.buffer("shared_d_h") : h;
  const Gradients& wanted = gradients.weights;
  activate(every_token(pass), h.data, a.data, pass.stream);
  multiply(pass, pass.tokens, rows_of(d_out), rows_of(pass.weights.w_shared_down), false,
           rows_of(d_a));
  if (pass.config.shared.gated) weigh_by_gate(pass, d_a, a);
  if (!wanted.w_shared_down.empty()) {
    multiply_over_rows(pass, pass.tokens, rows_of(d_out), rows_of(a), rows_of(wanted.w_shared_down),
                       gradients.accumulate);
  }
  activate_backward(every_token(pass), h.data, d_a.data, d_h.data, pass.stream);
  multiply(pass, pass.tokens, rows_of(d_h), rows_of(pass.weights.w_shared_up), false,
           rows_of(gradients.d_x), Accumulate::add);
  if (!wanted.w_shared_up.empty()) {
    multiply_over_rows(pass, pass.tokens, rows_of(d_h), rows_of(pass.inputs.x),
                       rows_of(wanted.w_shared_up), gradients.accumulate);
  }
  if (pass.config.shared.gated) gate_gradients(pass, gradients);
}

}  // namespace moe::cuda
