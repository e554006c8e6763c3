// `vanilla` on the CPU: the loop over experts. Its rows are found as users find them, by a scan of
// all choices per expert (torch.where), and results are added row by row (index_add).
#include "cpu/vanilla.h"

#include <cstring>

#include "cpu/activation.h"
#include "cpu/experts.h"
#include "cpu/row_kernels.h"
#include "routing/rows.h"

namespace moe::cpu {
namespace {

/// Appends the rows of one expert behind those of the experts before it.
void find_rows(const Pass& pass, std::int64_t expert) {
  const auto* chosen = pass.arena.get<std::int32_t>("chosen_experts");
  const auto* scores = pass.arena.get<float>("chosen_scores");
  auto* offsets = pass.arena.get<std::int32_t>("expert_offsets");
  auto* row_tokens = pass.arena.get<std::int32_t>("row_tokens");
  auto* row_scores = pass.arena.get<float>("row_scores");
  const std::int64_t K = pass.config.top_k;
  if (expert == 0) offsets[0] = 0;
  std::int32_t row = offsets[expert];
  for (std::int64_t i = 0; i < pass.tokens * K; ++i) {
    if (chosen[i] != expert) continue;
    row_tokens[row] = static_cast<std::int32_t>(i / K);
    row_scores[row] = scores[i];
    ++row;
  }
  offsets[expert + 1] = row;
}

/// Training keeps the intermediates of every expert, inference only those of the one at work.
TensorView expert_buffer(const Pass& pass, std::string_view name, ExpertRows rows, bool training) {
  return row_view(pass.buffer(name), training ? rows.begin : 0, rows.count());
}

}  // namespace

bool VanillaLayer::finds_rows_itself(const Inputs& inputs) const {
  return inputs.given == nullptr && plan().request.config.rounding.rule == RoundingRule::none;
}

void VanillaLayer::experts_forward(const Pass& pass, TensorView out) {
  const StepScope step(pass, "experts");
  const bool training = plan().request.training;
  std::memset(out.data, 0, out.bytes());
  for (std::int64_t e = 0; e < pass.config.num_experts; ++e) {
    if (finds_rows_itself(pass.inputs)) find_rows(pass, e);
    const ExpertRows rows = expert_rows(pass, e);
    if (rows.count() == 0) continue;
    const TensorView x = expert_buffer(pass, "x_gathered", rows, training);
    const TensorView h = expert_buffer(pass, "h", rows, training);
    const TensorView a = expert_buffer(pass, "a", rows, training);
    const TensorView y = expert_buffer(pass, "y", rows, training);
    gather_rows(pass.inputs.x, pass.row_tokens() + rows.begin, rows.count(), x);
    project(pass, x, pass.weights.w_up, pass.weights.b_up, e, h);
    activate(pass.config.activation, pass.config.up_layout, h, rows.count(), pass.config.ffn_dim,
             a);
    project(pass, a, pass.weights.w_down, pass.weights.b_down, e, y);
    index_add_rows(y, pass.row_tokens() + rows.begin, pass.row_scores() + rows.begin, rows.count(),
                   out);
  }
  if (finds_rows_itself(pass.inputs)) {
    routing::build_token_rows(pass.expert_offsets(), pass.row_tokens(), pass.config.num_experts,
                              pass.tokens, pass.arena.get<std::int32_t>("token_offsets"),
                              pass.arena.get<std::int32_t>("token_rows"));
  }
}

void VanillaLayer::experts_backward(const Pass& pass, TensorView d_out,
                                    const InputGradients& gradients) {
  const StepScope step(pass, "d_experts");
  const LayerConfig& config = pass.config;
  const Gradients& wanted = gradients.weights;
  std::memset(gradients.d_x.data, 0, gradients.d_x.bytes());
  for (std::int64_t e = 0; e < config.num_experts; ++e) {
    const ExpertRows rows = expert_rows(pass, e);
    const std::int64_t count = rows.count();
    const TensorView x = expert_buffer(pass, "x_gathered", rows, true);
    const TensorView h = expert_buffer(pass, "h", rows, true);
    const TensorView a = expert_buffer(pass, "a", rows, true);
    const TensorView y = expert_buffer(pass, "y", rows, true);
    const TensorView d_y = row_view(pass.buffer("d_y"), 0, count);
    const TensorView d_a = row_view(pass.buffer("d_a"), 0, count);
    const TensorView d_h = row_view(pass.buffer("d_h"), 0, count);
    const TensorView d_x = row_view(pass.buffer("d_x_gathered"), 0, count);
    combine_backward(d_out, y, pass.row_tokens() + rows.begin, pass.row_scores() + rows.begin,
                     count, d_y, pass.arena.get<float>("d_scores") + rows.begin);
    pass.multiply(matrix_of(d_y), expert_matrix(pass.weights.w_down, e), matrix_of(d_a));
    activate_backward(config.activation, config.up_layout, h, d_a, count, config.ffn_dim, d_h);
    pass.multiply(matrix_of(d_h), expert_matrix(pass.weights.w_up, e), matrix_of(d_x));
    index_add_rows(d_x, pass.row_tokens() + rows.begin, nullptr, count, gradients.d_x);
    bias_gradient({d_y, count}, gradients.accumulate, wanted.b_down, e);
    bias_gradient({d_h, count}, gradients.accumulate, wanted.b_up, e);
    if (!wanted.w_down.empty()) {
      pass.multiply(transposed(matrix_of(d_y)), matrix_of(a), expert_matrix(wanted.w_down, e),
                    gradients.accumulate);
    }
    if (!wanted.w_up.empty()) {
      pass.multiply(transposed(matrix_of(d_h)), matrix_of(x), expert_matrix(wanted.w_up, e),
                    gradients.accumulate);
    }
  }
}

}  // namespace moe::cpu
