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

/// A matrix of `columns`, from row `begin` of a buffer on.
struct Rows {
  std::byte* data;
  std::int64_t columns;
};

Rows rows_of(const Pass& pass, std::string_view name, std::int64_t begin) {
  const TensorView view = pass.buffer(name);
  const std::int64_t columns = view.shape[1];
  return {view.as<std::byte>() + begin * columns * static_cast<std::int64_t>(size_of(view.dtype)),
          columns};
}

/// Matrix e of a weight or gradient [E, rows, columns].
Rows matrix_of(TensorView weight, int e) {
  const std::int64_t matrix = weight.shape[1] * weight.shape[2];
  return {weight.as<std::byte>() + e * matrix * static_cast<std::int64_t>(size_of(weight.dtype)),
          weight.shape[2]};
}

/// Row e of a bias or its gradient [E, columns].
TensorView bias_of(TensorView bias, int e) {
  if (bias.empty()) return bias;
  const std::int64_t columns = bias.shape[1];
  return {bias.as<std::byte>() + e * columns * static_cast<std::int64_t>(size_of(bias.dtype)),
          bias.dtype,
          {columns}};
}

/// C = A B (+ bias) for rows of A, B [k, n] or, transposed, [n, k].
void multiply(const Pass& pass, std::int64_t m, Rows a, Rows b, bool transposed, Rows c,
              TensorView bias = {}) {
  const DType dtype = pass.config.dtype;
  if (!bias.empty()) fill_bias({bias.data, c.data, dtype, m, c.columns}, pass.stream);
  pass.blas.gemm_rows({.a = {.data = a.data, .stride = a.columns},
                       .b = {.data = b.data, .stride = b.columns, .transposed = transposed},
                       .c = {.data = c.data, .stride = c.columns},
                       .m = m,
                       .n = c.columns,
                       .k = a.columns,
                       .in_dtype = dtype,
                       .out_dtype = dtype,
                       .accumulate = bias.empty() ? Accumulate::overwrite : Accumulate::add});
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
                   .chunk_sums = pass.bias_chunk_sums()},
                  pass.stream);
  }
  if (d_w.empty()) return;
  const DType dtype = pass.config.dtype;
  const Rows c = matrix_of(d_w, e);
  pass.blas.gemm_rows({.a = {.data = a.data, .stride = a.columns, .transposed = true},
                       .b = {.data = b.data, .stride = b.columns},
                       .c = {.data = c.data, .stride = c.columns},
                       .m = a.columns,
                       .n = b.columns,
                       .k = rows,
                       .in_dtype = dtype,
                       .out_dtype = dtype,
                       .accumulate = accumulate});
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
    multiply(pass, rows.count, x, matrix_of(pass.weights.w_up, rows.expert), true, h,
             bias_of(pass.weights.b_up, rows.expert));
    activate(activation_rows(pass, rows.count), h.data, a.data, pass.stream);
    multiply(pass, rows.count, a, matrix_of(pass.weights.w_down, rows.expert), true, y,
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

}  // namespace moe::cuda
