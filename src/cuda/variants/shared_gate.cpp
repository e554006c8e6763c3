// Steps of the shared expert's gate.
#include "cuda/variants/shared_gate.h"

#include "cuda/kernels/shared_gate/shared_gate.h"

namespace moe::cuda {

void apply_gate(const Pass& pass, TensorView a) {
  const std::int64_t d = pass.config.hidden_dim;
  auto* gates = pass.arena.get<float>("shared_gate");
  pass.blas.gemm_rows(
      {.a = {.data = pass.inputs.x.data, .stride = d},
       .b = {.data = pass.weights.w_shared_gate.data, .stride = d, .transposed = true},
       .c = {.data = gates, .stride = 1},
       .m = pass.tokens,
       .n = 1,
       .k = d,
       .in_dtype = pass.config.dtype,
       .out_dtype = DType::f32});
  apply_shared_gate(gates, a.data, pass.config.dtype, pass.tokens,
                    static_cast<int>(pass.config.shared.ffn_dim), pass.stream);
}

void gate_gradients(const Pass& pass, const InputGradients& gradients) {
  const std::int64_t d = pass.config.hidden_dim;
  void* d_logits = pass.buffer("shared_d_gate_logits").data;
  shared_gate_backward(pass.arena.get<float>("shared_gate"), pass.arena.get<float>("shared_d_gate"),
                       d_logits, pass.config.dtype, pass.tokens, pass.stream);
  pass.blas.gemm_rows({.a = {.data = d_logits, .stride = 1},
                       .b = {.data = pass.weights.w_shared_gate.data, .stride = d},
                       .c = {.data = gradients.d_x.data, .stride = d},
                       .m = pass.tokens,
                       .n = d,
                       .k = 1,
                       .in_dtype = pass.config.dtype,
                       .out_dtype = pass.config.dtype,
                       .accumulate = Accumulate::add});
  if (gradients.weights.w_shared_gate.empty()) return;
  pass.blas.gemm_rows({.a = {.data = d_logits, .stride = 1, .transposed = true},
                       .b = {.data = pass.inputs.x.data, .stride = d},
                       .c = {.data = gradients.weights.w_shared_gate.data, .stride = d},
                       .m = 1,
                       .n = d,
                       .k = pass.tokens,
                       .in_dtype = pass.config.dtype,
                       .out_dtype = pass.config.dtype,
                       .accumulate = gradients.accumulate});
}

}  // namespace moe::cuda
