// `sonic` on Hopper (arXiv 2512.14080): eight kernels, and up to two gathers; only H kept.
#include "cuda/variants/sonic.h"

#include "cuda/kernels/aggregate/sum_parts.h"
#include "cuda/kernels/aggregate/sum_token_rows.h"
#include "cuda/kernels/bias/bias_gradient.h"
#include "cuda/kernels/gemm/d_act.h"
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/select_tile.h"
#include "cuda/kernels/gemm/up_proj.h"
#include "cuda/kernels/permute/gather_rows.h"
#include "cuda/variants/expert_products.h"

namespace moe::cuda {
namespace {

/// The gathered side is d wide and stands for the rows of the tile; W_up's gradient is stored
/// transposed.
void gradient(const Pass& pass, TensorView gathered, TensorView b, int n, TensorView d_w,
              bool transposed, Accumulate accumulate) {
  if (d_w.empty()) return;
  weight_gradient(
      {gathered.data, b.data, d_w.data, pass.expert_offsets(), pass.row_tokens(),
       pass.num_experts(), pass.hidden_dim(), n, transposed, accumulate == Accumulate::add,
       transposed && pass.up_is_interleaved(), pass.config.dtype},
      select_gradient_tile(pass.hidden_dim(), n), pass.card.num_multiprocessors, pass.stream);
}

TensorView gather(const Pass& pass, const char* step_name, TensorView tokens, TensorView rows) {
  const StepScope step(pass, step_name);
  gather_rows({tokens.data, rows.data, pass.token_offsets(), pass.token_rows(), pass.tokens,
               pass.hidden_dim()},
              pass.stream);
  return rows;
}

void aggregate(const Pass& pass, TensorView rows, const float* scales, TensorView out) {
  sum_token_rows({rows.data, scales, pass.token_offsets(), pass.token_rows(), nullptr, out.data,
                  pass.config.dtype, pass.tokens, pass.hidden_dim()},
                 pass.stream);
}

}  // namespace

plan::GathersAgain gathers_again(const LayerConfig& config) {
  // Of the backward pass, H100: X gains up to 2 % at 1536 and 2048 and costs that at 1024; dO,
  // whose product is half as long, gains 1 to 2 % from 4096 on and nothing at 2048.
  constexpr std::int64_t kWideForX = 1536, kWideForOut = 4096;
  // The product of plain rows cannot store gate and up in turns.
  return {.d_out = config.ffn_dim >= kWideForOut,
          .x = config.ffn_dim >= kWideForX && config.up_layout == UpLayout::concatenated};
}

bool SonicLayer::sums_router_part() const {
  return cuda::sums_router_part(plan().request.config);
}

void SonicLayer::experts_forward(const Pass& pass, TensorView out) {
  const TensorView a = pass.buffer("a"), y = pass.buffer("y");
  {
    const StepScope step(pass, "up_proj");
    void* h = pass.arena.has("h") ? pass.buffer("h").data : nullptr;
    const auto choice = select_up_proj_tile(pass.hidden_dim(), pass.card);
    up_proj({pass.inputs.x.data, pass.row_tokens(), pass.weights.w_up.data, h, a.data,
             pass.expert_offsets(), pass.num_experts(), pass.ffn_dim(), pass.hidden_dim(),
             pass.config.activation, pass.turns(choice.in_step), pass.weights.b_up.data,
             pass.config.up_layout, pass.config.dtype},
            choice.tile, pass.card.num_multiprocessors, pass.stream);
  }
  {
    const StepScope step(pass, "down_proj");
    multiply(pass, a, pass.weights.w_down, WeightLayout::n_by_k, pass.hidden_dim(), pass.ffn_dim(),
             y, pass.weights.b_down);
  }
  const StepScope step(pass, "aggregate");
  aggregate(pass, y, pass.row_scores(), out);
}

void SonicLayer::experts_backward(const Pass& pass, TensorView d_out,
                                  const InputGradients& gradients) {
  const TensorView h = pass.buffer("h"), a_scaled = pass.buffer("a_scaled"),
                   d_x_rows = pass.buffer("d_x_rows");
  const TensorView d_h = pass.arena.has("d_h") ? pass.buffer("d_h") : h;
  const TensorView parts = pass.buffer("d_score_parts");
  {
    const StepScope step(pass, "d_act");
    const auto choice = select_d_act_tile(pass.hidden_dim(), pass.card);
    d_act({d_out.data, pass.row_tokens(), pass.row_scores(), pass.weights.w_down.data, h.data,
           d_h.data, a_scaled.data, parts.as<float>(), pass.max_rows, pass.expert_offsets(),
           pass.num_experts(), pass.ffn_dim(), pass.hidden_dim(), pass.config.activation,
           pass.turns(choice.in_step), pass.config.dtype},
          choice.tile, pass.card.num_multiprocessors, pass.stream);
    if (pass.config.expert_bias) down_bias_gradient(pass, d_out, gradients);
    sum_parts({parts.as<float>(), pass.arena.get<float>("d_scores"), pass.expert_offsets(),
               pass.num_experts(), static_cast<int>(parts.shape[0]), pass.max_rows},
              pass.stream);
  }
  down_gradient(pass, d_out, a_scaled, d_x_rows, gradients);
  {
    const StepScope step(pass, "d_x_rows");
    multiply(pass, d_h, pass.weights.w_up, WeightLayout::k_by_n, pass.hidden_dim(), pass.up_dim(),
             d_x_rows, {}, pass.up_is_interleaved());
  }
  if (gathers_again(pass.config).x) {
    sum_input_gradient(pass, d_x_rows, gradients.d_x);
    const bool is_frozen = gradients.weights.w_up.empty();
    up_gradients(pass, d_h,
                 is_frozen ? TensorView{} : gather(pass, "d_gather_x", pass.inputs.x, d_x_rows),
                 gradients);
  } else {
    up_gradients(pass, d_h, {}, gradients);
    sum_input_gradient(pass, d_x_rows, gradients.d_x);
  }
}

/// d_b_down = sum of s dO, and b_down's part of dS = <dO, A W_down^T + b_down>, behind the parts
/// that the activation gradient left.
void SonicLayer::down_bias_gradient(const Pass& pass, TensorView d_out,
                                    const InputGradients& gradients) const {
  static_assert(kBiasDotColumns == kDScoreColumns, "the plan sizes all parts of dS alike");
  bias_gradient({.rows = d_out.data,
                 .row_tokens = pass.row_tokens(),
                 .row_scales = pass.row_scores(),
                 .expert_offsets = pass.expert_offsets(),
                 .num_rows = pass.max_rows,
                 .num_experts = pass.num_experts(),
                 .columns = pass.hidden_dim(),
                 .d_bias = gradients.weights.b_down.data,
                 .adds = gradients.accumulate == Accumulate::add,
                 .bias = pass.weights.b_down.data,
                 .dots = pass.buffer("d_score_parts").as<float>() +
                         d_score_part_count(pass.ffn_dim()) * pass.max_rows,
                 .dtype = pass.config.dtype},
                pass.stream);
}

/// `rows` [R, d] are free, for dO where it is gathered first.
void SonicLayer::down_gradient(const Pass& pass, TensorView d_out, TensorView a_scaled,
                               TensorView rows, const InputGradients& gradients) const {
  const TensorView d_w = gradients.weights.w_down;
  const bool gathers = gathers_again(pass.config).d_out && !d_w.empty();
  if (gathers) gather(pass, "d_gather_out", d_out, rows);
  const StepScope step(pass, "d_w_down");
  if (gathers) {
    return multiply_transposed(pass, rows, a_scaled, pass.hidden_dim(), pass.ffn_dim(), d_w,
                               gradients.accumulate);
  }
  gradient(pass, d_out, a_scaled, pass.ffn_dim(), d_w, false, gradients.accumulate);
}

/// Without `x_rows` the product gathers X itself.
void SonicLayer::up_gradients(const Pass& pass, TensorView d_h, TensorView x_rows,
                              const InputGradients& gradients) const {
  const StepScope step(pass, "d_w_up");
  bias_gradient({.rows = d_h.data,
                 .expert_offsets = pass.expert_offsets(),
                 .num_rows = pass.max_rows,
                 .num_experts = pass.num_experts(),
                 .columns = pass.up_dim(),
                 .d_bias = gradients.weights.b_up.data,
                 .adds = gradients.accumulate == Accumulate::add,
                 .interleaved = pass.up_is_interleaved(),
                 .dtype = pass.config.dtype},
                pass.stream);
  if (!x_rows.empty()) {
    return multiply_transposed(pass, d_h, x_rows, pass.up_dim(), pass.hidden_dim(),
                               gradients.weights.w_up, gradients.accumulate);
  }
  gradient(pass, pass.inputs.x, d_h, pass.up_dim(), gradients.weights.w_up, true,
           gradients.accumulate);
}

}  // namespace moe::cuda
