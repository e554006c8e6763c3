// `grouped_gemm` on the CPU. oneDNN has no grouped product, so a group is a loop of products over
// consecutive rows; each of them already fills all threads.
#include "cpu/grouped_gemm.h"

#include "cpu/activation.h"
#include "cpu/experts.h"
#include "cpu/row_kernels.h"

namespace moe::cpu {
namespace {

/// out[rows of e] = in[rows of e] w[e]^T + b[e] for every expert.
void grouped_project(const Pass& pass, TensorView in, TensorView w, TensorView b, TensorView out) {
  for (std::int64_t e = 0; e < pass.config.num_experts; ++e) {
    const ExpertRows rows = expert_rows(pass, e);
    project(pass, row_view(in, rows.begin, rows.count()), w, b, e,
            row_view(out, rows.begin, rows.count()));
  }
}

/// d_in[rows of e] = d_out[rows of e] w[e] for every expert.
void grouped_project_back(const Pass& pass, TensorView d_out, TensorView w, TensorView d_in) {
  for (std::int64_t e = 0; e < pass.config.num_experts; ++e) {
    const ExpertRows rows = expert_rows(pass, e);
    pass.multiply(matrix_of(row_view(d_out, rows.begin, rows.count())), expert_matrix(w, e),
                  matrix_of(row_view(d_in, rows.begin, rows.count())));
  }
}

/// d_w[e] (+)= left[rows of e]^T right[rows of e] and d_b[e] (+)= sum of left[rows of e]: the
/// reductions run over each expert's rows.
void grouped_weight_gradient(const Pass& pass, TensorView left, TensorView right, TensorView d_w,
                             TensorView d_b, Accumulate accumulate) {
  for (std::int64_t e = 0; e < pass.config.num_experts; ++e) {
    const ExpertRows rows = expert_rows(pass, e);
    bias_gradient({row_view(left, rows.begin, rows.count()), rows.count()}, accumulate, d_b, e);
    if (d_w.empty()) continue;
    pass.multiply(transposed(matrix_of(row_view(left, rows.begin, rows.count()))),
                  matrix_of(row_view(right, rows.begin, rows.count())), expert_matrix(d_w, e),
                  accumulate);
  }
}

}  // namespace

void GroupedGemmLayer::experts_forward(const Pass& pass, TensorView out) {
  const TensorView x = pass.buffer("x_gathered"), h = pass.buffer("h");
  const TensorView a = pass.buffer("a"), y = pass.buffer("y");
  const std::int64_t rows = pass.num_rows();
  {
    const StepScope step(pass, "gather");
    gather_rows(pass.inputs.x, pass.row_tokens(), rows, x);
  }
  {
    const StepScope step(pass, "up_proj");
    grouped_project(pass, x, pass.weights.w_up, pass.weights.b_up, h);
  }
  {
    const StepScope step(pass, "activation");
    activate(pass.config.activation, pass.config.up_layout, h, rows, pass.config.ffn_dim, a);
  }
  {
    const StepScope step(pass, "down_proj");
    grouped_project(pass, a, pass.weights.w_down, pass.weights.b_down, y);
  }
  const StepScope step(pass, "aggregate");
  sum_token_rows(y, pass.token_offsets(), pass.token_rows(), pass.row_scores(), pass.tokens, out);
}

void GroupedGemmLayer::experts_backward(const Pass& pass, TensorView d_out,
                                        const InputGradients& gradients) {
  const TensorView x = pass.buffer("x_gathered"), h = pass.buffer("h"), a = pass.buffer("a");
  const TensorView d_y = pass.buffer("d_y"), d_a = pass.buffer("d_a"), d_h = pass.buffer("d_h");
  const TensorView d_x = pass.buffer("d_x_gathered");
  const std::int64_t rows = pass.num_rows();
  {
    const StepScope step(pass, "d_gather");
    combine_backward(d_out, pass.buffer("y"), pass.row_tokens(), pass.row_scores(), rows, d_y,
                     pass.arena.get<float>("d_scores"));
  }
  {
    const StepScope step(pass, "d_down_proj");
    grouped_project_back(pass, d_y, pass.weights.w_down, d_a);
  }
  {
    const StepScope step(pass, "d_w_down");
    grouped_weight_gradient(pass, d_y, a, gradients.weights.w_down, gradients.weights.b_down,
                            gradients.accumulate);
  }
  {
    const StepScope step(pass, "d_activation");
    activate_backward(pass.config.activation, pass.config.up_layout, h, d_a, rows,
                      pass.config.ffn_dim, d_h);
  }
  {
    const StepScope step(pass, "d_up_proj");
    grouped_project_back(pass, d_h, pass.weights.w_up, d_x);
  }
  {
    const StepScope step(pass, "d_w_up");
    grouped_weight_gradient(pass, d_h, x, gradients.weights.w_up, gradients.weights.b_up,
                            gradients.accumulate);
  }
  const StepScope step(pass, "d_aggregate");
  sum_token_rows(d_x, pass.token_offsets(), pass.token_rows(), nullptr, pass.tokens, gradients.d_x);
}

}  // namespace moe::cpu
