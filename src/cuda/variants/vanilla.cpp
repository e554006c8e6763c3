// `vanilla` on the GPU. The host must know each expert's rows to launch its products: it waits for
// the router once per pass, where the loop in PyTorch waits once per expert. So no graph can hold
// it.
#include "cuda/variants/vanilla.h"

#include "cuda/kernels/activation/activation.h"
#include "cuda/kernels/aggregate/combine_backward.h"
#include "cuda/kernels/bias/bias_gradient.h"
#include "cuda/kernels/bias/fill_bias.h"
#include "cuda/kernels/permute/index_rows.h"
#include "cuda/runtime/check.h"
#include "cuda/variants/dense_products.h"
#include "cuda/variants/dense_shared_expert.h"

namespace moe::cuda {
namespace {

/// The rows of one expert among all.
struct ExpertRows {
  int expert;
  std::int64_t begin, count;
};

/// Waits for the router.
std::vector<ExpertRows> read_expert_rows(const Pass& pass) {
  const auto num_experts = static_cast<std::size_t>(pass.num_experts());
  std::vector<std::int32_t> offsets(num_experts + 1);
  MOE_CUDA_CHECK(cudaMemcpyAsync(offsets.data(), pass.expert_offsets(), 4 * offsets.size(),
                                 cudaMemcpyDeviceToHost, pass.stream));
  MOE_CUDA_CHECK(cudaStreamSynchronize(pass.stream));
  std::vector<ExpertRows> experts;
  for (std::size_t e = 0; e < num_experts; ++e) {
    experts.push_back({static_cast<int>(e), offsets[e], offsets[e + 1] - offsets[e]});
  }
  return experts;
}

Rows rows_of(const Pass& pass, std::string_view name, std::int64_t begin) {
  return cuda::rows_of(pass.buffer(name), begin);
}

/// Row e of a bias or its gradient [E, columns].
TensorView bias_of(TensorView bias, int e) {
  if (bias.empty()) return bias;
  const std::int64_t columns = bias.shape[1];
  return {bias.as<std::byte>() + e * columns * static_cast<std::int64_t>(size_of(bias.dtype)),
          bias.dtype,
          {columns}};
}

/// C = A W^T (+ bias) for m rows of A.
void project(const Pass& pass, std::int64_t m, Rows a, Rows w, Rows c, TensorView bias) {
  if (bias.empty()) return multiply(pass, m, a, w, true, c);
  fill_bias({.bias = bias.data,
             .out = c.data,
             .dtype = pass.config.dtype,
             .rows = m,
             .columns = c.columns,
             .bias_dtype = bias.dtype},
            pass.stream);
  multiply(pass, m, a, w, true, c, Accumulate::add);
}

/// d_W[e] = A^T B over the expert's rows; d_bias[e] is the sum of A's.
void weight_gradient(const Pass& pass, std::int64_t rows, Rows a, Rows b, TensorView d_w,
                     TensorView d_bias, int e, Accumulate accumulate) {
  if (!d_bias.empty()) {
    bias_gradient({.rows = a.data,
                   .num_rows = rows,
                   .num_experts = 1,
                   .columns = static_cast<int>(a.columns),
                   .d_bias = bias_of(d_bias, e).data,
                   .adds = accumulate == Accumulate::add,
                   .chunk_sums = pass.bias_chunk_sums(),
                   .dtype = pass.config.dtype},
                  pass.stream);
  }
  if (!d_w.empty()) multiply_over_rows(pass, rows, a, b, matrix_of(d_w, e), accumulate);
}

ActivationRows activation_rows(const Pass& pass, std::int64_t count) {
  return {.expert_offsets = nullptr,
          .num_experts = 0,
          .max_rows = count,
          .n = pass.ffn_dim(),
          .activation = pass.config.activation,
          .dtype = pass.config.dtype,
          .layout = pass.config.up_layout};
}

IndexRowsProblem index_rows(const Pass& pass, const ExpertRows& rows, const void* from, void* to,
                            const float* scales) {
  return {from,
          to,
          pass.row_tokens() + rows.begin,
          scales,
          pass.config.dtype,
          rows.count,
          pass.hidden_dim()};
}

void clear(const Pass& pass, TensorView view) {
  MOE_CUDA_CHECK(cudaMemsetAsync(view.data, 0, view.bytes(), pass.stream));
}

}  // namespace

void VanillaLayer::experts_forward(const Pass& pass, TensorView out) {
  const StepScope step(pass, "experts");
  clear(pass, out);
  for (const ExpertRows& rows : read_expert_rows(pass)) {
    if (rows.count == 0) continue;
    // Training keeps the intermediates of every expert, inference those of the one at work.
    const std::int64_t begin = plan().request.training ? rows.begin : 0;
    const Rows x = rows_of(pass, "x_gathered", begin), h = rows_of(pass, "h", begin);
    const Rows a = rows_of(pass, "a", begin), y = rows_of(pass, "y", begin);
    select_rows(index_rows(pass, rows, pass.inputs.x.data, x.data, nullptr), pass.stream);
    project(pass, rows.count, x, matrix_of(pass.weights.w_up, rows.expert), h,
            bias_of(pass.weights.b_up, rows.expert));
    activate(activation_rows(pass, rows.count), h.data, a.data, pass.stream);
    project(pass, rows.count, a, matrix_of(pass.weights.w_down, rows.expert), y,
            bias_of(pass.weights.b_down, rows.expert));
    add_rows(index_rows(pass, rows, y.data, out.data, pass.row_scores() + rows.begin), pass.stream);
  }
}

void VanillaLayer::experts_backward(const Pass& pass, TensorView d_out,
                                    const InputGradients& gradients) {
  const StepScope step(pass, "d_experts");
  const Gradients& wanted = gradients.weights;
  clear(pass, gradients.d_x);
  const Rows d_y = rows_of(pass, "d_y", 0), d_a = rows_of(pass, "d_a", 0);
  const Rows d_h = rows_of(pass, "d_h", 0), d_x = rows_of(pass, "d_x_gathered", 0);
  for (const ExpertRows& rows : read_expert_rows(pass)) {
    const Rows x = rows_of(pass, "x_gathered", rows.begin), h = rows_of(pass, "h", rows.begin);
    const Rows a = rows_of(pass, "a", rows.begin), y = rows_of(pass, "y", rows.begin);
    if (rows.count > 0) {
      combine_backward(
          {d_out.data, y.data, pass.row_tokens() + rows.begin, nullptr,
           pass.row_scores() + rows.begin, d_y.data, pass.arena.get<float>("d_scores") + rows.begin,
           nullptr, 0, rows.count, pass.config.dtype, pass.hidden_dim()},
          pass.stream);
      multiply(pass, rows.count, d_y, matrix_of(pass.weights.w_down, rows.expert), false, d_a);
      activate_backward(activation_rows(pass, rows.count), h.data, d_a.data, d_h.data, pass.stream);
      multiply(pass, rows.count, d_h, matrix_of(pass.weights.w_up, rows.expert), false, d_x);
      add_rows(index_rows(pass, rows, d_x.data, gradients.d_x.data, nullptr), pass.stream);
    }
    weight_gradient(pass, rows.count, d_y, a, wanted.w_down, wanted.b_down, rows.expert,
                    gradients.accumulate);
    weight_gradient(pass, rows.count, d_h, x, wanted.w_up, wanted.b_up, rows.expert,
                    gradients.accumulate);
  }
}

void VanillaLayer::shared_forward(const Pass& pass, TensorView out) {
  dense_shared_expert_forward(pass, out);
}

void VanillaLayer::shared_backward(const Pass& pass, TensorView d_out,
                                   const InputGradients& gradients) {
  dense_shared_expert_backward(pass, d_out, gradients);
}

}  // namespace moe::cuda
