// `grouped_gemm` on Hopper: separate gather and activation around our grouped GEMM.
#include "cuda/variants/grouped_gemm.h"

#include "cuda/kernels/activation/activation.h"
#include "cuda/kernels/aggregate/combine_backward.h"
#include "cuda/kernels/aggregate/sum_token_rows.h"
#include "cuda/kernels/bias/bias_gradient.h"
#include "cuda/kernels/permute/gather_rows.h"
#include "cuda/variants/expert_products.h"

namespace moe::cuda {
namespace {

/// Of the weights, and of the biases of A's columns where the layer has them.
void gradient(const Pass& pass, TensorView a, TensorView b, int m, int n, TensorView d_w,
              TensorView d_bias, Accumulate accumulate) {
  bias_gradient({.rows = a.data,
                 .expert_offsets = pass.expert_offsets(),
                 .num_rows = pass.max_rows,
                 .num_experts = pass.num_experts(),
                 .columns = m,
                 .d_bias = d_bias.data,
                 .adds = accumulate == Accumulate::add,
                 .dtype = pass.config.dtype},
                pass.stream);
  multiply_transposed(pass, a, b, m, n, d_w, accumulate);
}

ActivationRows activation_rows(const Pass& pass) {
  return {pass.expert_offsets(),  pass.num_experts(), pass.max_rows,        pass.ffn_dim(),
          pass.config.activation, pass.config.dtype,  pass.config.up_layout};
}

}  // namespace

bool GroupedGemmLayer::sums_router_part() const {
  return cuda::sums_router_part(plan().request.config);
}

void GroupedGemmLayer::experts_forward(const Pass& pass, TensorView out) {
  const int d = pass.hidden_dim(), n = pass.ffn_dim(), u = pass.up_dim();
  const TensorView x = pass.buffer("x_gathered"), h = pass.buffer("h");
  const TensorView a = pass.buffer("a"), y = pass.buffer("y");
  {
    const StepScope step(pass, "gather");
    gather_rows(
        {pass.inputs.x.data, x.data, pass.token_offsets(), pass.token_rows(), pass.tokens, d},
        pass.stream);
  }
  {
    const StepScope step(pass, "up_proj");
    multiply(pass, x, pass.weights.w_up, WeightLayout::n_by_k, u, d, h, pass.weights.b_up);
  }
  {
    const StepScope step(pass, "activation");
    activate(activation_rows(pass), h.data, a.data, pass.stream);
  }
  {
    const StepScope step(pass, "down_proj");
    multiply(pass, a, pass.weights.w_down, WeightLayout::n_by_k, d, n, y, pass.weights.b_down);
  }
  const StepScope step(pass, "aggregate");
  sum_token_rows({y.data, pass.row_scores(), pass.token_offsets(), pass.token_rows(), nullptr,
                  out.data, pass.config.dtype, pass.tokens, d},
                 pass.stream);
}

void GroupedGemmLayer::experts_backward(const Pass& pass, TensorView d_out,
                                        const InputGradients& gradients) {
  const int d = pass.hidden_dim(), n = pass.ffn_dim(), u = pass.up_dim();
  const TensorView x = pass.buffer("x_gathered"), h = pass.buffer("h"), a = pass.buffer("a");
  const TensorView d_y = pass.buffer("d_y"), d_a = pass.buffer("d_a"), d_h = pass.buffer("d_h");
  const TensorView d_x = pass.buffer("d_x_gathered");
  {
    const StepScope step(pass, "d_gather");
    combine_backward(
        {d_out.data, pass.buffer("y").data, pass.row_tokens(), pass.token_rows(), pass.row_scores(),
         d_y.data, pass.arena.get<float>("d_scores"), pass.expert_offsets(), pass.num_experts(),
         pass.max_rows, pass.config.dtype, d},
        pass.stream);
  }
  {
    const StepScope step(pass, "d_down_proj");
    multiply(pass, d_y, pass.weights.w_down, WeightLayout::k_by_n, n, d, d_a);
  }
  {
    const StepScope step(pass, "d_w_down");
    gradient(pass, d_y, a, d, n, gradients.weights.w_down, gradients.weights.b_down,
             gradients.accumulate);
  }
  {
    const StepScope step(pass, "d_activation");
    activate_backward(activation_rows(pass), h.data, d_a.data, d_h.data, pass.stream);
  }
  {
    const StepScope step(pass, "d_up_proj");
    multiply(pass, d_h, pass.weights.w_up, WeightLayout::k_by_n, d, u, d_x);
  }
  {
    const StepScope step(pass, "d_w_up");
    gradient(pass, d_h, x, u, d, gradients.weights.w_up, gradients.weights.b_up,
             gradients.accumulate);
  }
  sum_input_gradient(pass, d_x, gradients.d_x);
}

}  // namespace moe::cuda
