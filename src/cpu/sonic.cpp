// `sonic` on the CPU. A GPU kernel gathers rows while it multiplies; oneDNN cannot, so rows are
// gathered in blocks that stay in cache, and no gathered tensor of all rows ever exists.
#include "cpu/sonic.h"

#include <algorithm>

#include "cpu/activation.h"
#include "cpu/experts.h"
#include "cpu/row_kernels.h"

namespace moe::cpu {
namespace {

/// Calls work(expert, rows) for every block of at most block_rows rows; an expert without rows gets
/// one empty block, so that its weight gradient is written.
template <class Work>
void for_each_block(const Pass& pass, std::int64_t block_rows, Work&& work) {
  for (std::int64_t e = 0; e < pass.config.num_experts; ++e) {
    const ExpertRows all = expert_rows(pass, e);
    std::int64_t begin = all.begin;
    do {
      const ExpertRows block{begin, std::min(begin + block_rows, all.end)};
      work(e, block);
      begin = block.end;
    } while (begin < all.end);
  }
}

TensorView gather_block(const Pass& pass, TensorView src, ExpertRows rows, const char* buffer) {
  const TensorView block = row_view(pass.buffer(buffer), 0, rows.count());
  gather_rows(src, pass.row_tokens() + rows.begin, rows.count(), block);
  return block;
}

/// d_w[e] (+)= rows^T gathered, block by block.
void add_weight_gradient(const Pass& pass, Matrix left, Matrix right, TensorView d_w,
                         std::int64_t expert, ExpertRows block, Accumulate accumulate) {
  const bool first = block.begin == expert_rows(pass, expert).begin;
  pass.multiply(left, right, expert_matrix(d_w, expert), first ? accumulate : Accumulate::add);
}

/// d_w_down = dO^T A', d_b_down = sum of s dO.
void down_gradients(const Pass& pass, TensorView d_out, TensorView a_scaled,
                    const InputGradients& gradients) {
  const Gradients& wanted = gradients.weights;
  for (std::int64_t e = 0; e < pass.config.num_experts; ++e) {
    const ExpertRows rows = expert_rows(pass, e);
    bias_gradient(
        {d_out, rows.count(), pass.row_tokens() + rows.begin, pass.row_scores() + rows.begin},
        gradients.accumulate, wanted.b_down, e);
  }
  if (wanted.w_down.empty()) return;
  for_each_block(pass, pass.buffer("d_out_block").shape[0], [&](std::int64_t e, ExpertRows rows) {
    const TensorView d_out_rows = gather_block(pass, d_out, rows, "d_out_block");
    add_weight_gradient(pass, transposed(matrix_of(d_out_rows)),
                        matrix_of(row_view(a_scaled, rows.begin, rows.count())), wanted.w_down, e,
                        rows, gradients.accumulate);
  });
}

/// d_w_up = dH^T X, d_b_up = sum of dH.
void up_gradients(const Pass& pass, TensorView d_h, const InputGradients& gradients) {
  const Gradients& wanted = gradients.weights;
  for (std::int64_t e = 0; e < pass.config.num_experts; ++e) {
    const ExpertRows rows = expert_rows(pass, e);
    bias_gradient({row_view(d_h, rows.begin, rows.count()), rows.count()}, gradients.accumulate,
                  wanted.b_up, e);
  }
  if (wanted.w_up.empty()) return;
  const std::int64_t block_rows = pass.buffer("x_block_again").shape[0];
  for_each_block(pass, block_rows, [&](std::int64_t e, ExpertRows rows) {
    const TensorView x = gather_block(pass, pass.inputs.x, rows, "x_block_again");
    add_weight_gradient(pass, transposed(matrix_of(row_view(d_h, rows.begin, rows.count()))),
                        matrix_of(x), wanted.w_up, e, rows, gradients.accumulate);
  });
}

}  // namespace

void SonicLayer::experts_forward(const Pass& pass, TensorView out) {
  const LayerConfig& config = pass.config;
  const TensorView a = pass.buffer("a"), y = pass.buffer("y");
  const bool keeps_h = pass.arena.has("h");
  {
    const StepScope step(pass, "up_proj");
    const std::int64_t block_rows = pass.buffer("x_block").shape[0];
    for_each_block(pass, block_rows, [&](std::int64_t e, ExpertRows rows) {
      const TensorView x = gather_block(pass, pass.inputs.x, rows, "x_block");
      const TensorView h = keeps_h ? row_view(pass.buffer("h"), rows.begin, rows.count())
                                   : row_view(pass.buffer("h_block"), 0, rows.count());
      project(pass, x, pass.weights.w_up, pass.weights.b_up, e, h);
      activate(config.activation, config.up_layout, h, rows.count(), config.ffn_dim,
               row_view(a, rows.begin, rows.count()));
    });
  }
  {
    const StepScope step(pass, "down_proj");
    for (std::int64_t e = 0; e < config.num_experts; ++e) {
      const ExpertRows rows = expert_rows(pass, e);
      project(pass, row_view(a, rows.begin, rows.count()), pass.weights.w_down, pass.weights.b_down,
              e, row_view(y, rows.begin, rows.count()));
    }
  }
  const StepScope step(pass, "aggregate");
  sum_token_rows(y, pass.token_offsets(), pass.token_rows(), pass.row_scores(), pass.tokens, out);
}

void SonicLayer::experts_backward(const Pass& pass, TensorView d_out,
                                  const InputGradients& gradients) {
  const LayerConfig& config = pass.config;
  const TensorView h = pass.buffer("h"), a_scaled = pass.buffer("a_scaled");
  const TensorView d_h = pass.arena.has("d_h") ? pass.buffer("d_h") : h;
  const TensorView d_x_rows = pass.buffer("d_x_rows"), d_a = pass.buffer("d_a_block");
  const std::int64_t block_rows = d_a.shape[0];
  auto* d_scores = pass.arena.get<float>("d_scores");
  {
    const StepScope step(pass, "d_act");
    for_each_block(pass, block_rows, [&](std::int64_t e, ExpertRows rows) {
      const TensorView d_out_rows = gather_block(pass, d_out, rows, "d_out_block");
      pass.multiply(matrix_of(d_out_rows), expert_matrix(pass.weights.w_down, e),
                    matrix_of(row_view(d_a, 0, rows.count())));
      sonic_epilogue(config.activation, config.up_layout,
                     {.h = row_view(h, rows.begin, rows.count()),
                      .d_a = d_a.as<float>(),
                      .scores = pass.row_scores() + rows.begin,
                      .a_scaled = row_view(a_scaled, rows.begin, rows.count()),
                      .d_h = row_view(d_h, rows.begin, rows.count()),
                      .d_scores = d_scores + rows.begin},
                     rows.count(), config.ffn_dim);
      add_bias_scores(d_out_rows, pass.weights.b_down, e, rows.count(), d_scores + rows.begin);
    });
  }
  {
    const StepScope step(pass, "d_w_down");
    down_gradients(pass, d_out, a_scaled, gradients);
  }
  {
    const StepScope step(pass, "d_x_rows");
    for (std::int64_t e = 0; e < config.num_experts; ++e) {
      const ExpertRows rows = expert_rows(pass, e);
      pass.multiply(matrix_of(row_view(d_h, rows.begin, rows.count())),
                    expert_matrix(pass.weights.w_up, e),
                    matrix_of(row_view(d_x_rows, rows.begin, rows.count())));
    }
  }
  {
    const StepScope step(pass, "d_w_up");
    up_gradients(pass, d_h, gradients);
  }
  const StepScope step(pass, "d_aggregate");
  sum_token_rows(d_x_rows, pass.token_offsets(), pass.token_rows(), nullptr, pass.tokens,
                 gradients.d_x);
}

}  // namespace moe::cpu
