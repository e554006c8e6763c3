// The forward pass of experts as PyTorch users write it. Scores are cast to the layer's type before
// they weigh, as model code does.
#include "torch/experts.h"

#include <ATen/ATen.h>

#include "moe/error.h"

namespace moe::torch_rows {
namespace {

/// Views of gate and up in h [rows, 2n].
std::vector<at::Tensor> split(UpLayout layout, const at::Tensor& h) {
  if (layout == UpLayout::concatenated) return h.chunk(2, -1);
  const auto every_second = [&](std::int64_t first) { return h.slice(-1, first, {}, 2); };
  return {every_second(0), every_second(1)};
}

/// a [rows, n] from h [rows, u], whose columns stand as the rows of W_up.
at::Tensor activate(Activation activation, UpLayout layout, const at::Tensor& h) {
  const auto halves = is_gated(activation) ? split(layout, h) : std::vector<at::Tensor>{h, h};
  const at::Tensor &gate = halves[0], &up = halves[1];
  switch (activation) {
    case Activation::swiglu: return at::silu(gate) * up;
    case Activation::clamped_swiglu: {
      const at::Tensor clamped = gate.clamp_max(7.0);
      return (up.clamp(-7.0, 7.0) + 1) * (clamped * at::sigmoid(clamped * 1.702));
    }
    case Activation::geglu: return at::gelu(gate) * up;
    case Activation::geglu_tanh: return at::gelu(gate, "tanh") * up;
    case Activation::reglu: return at::relu(gate) * up;
    case Activation::silu: return at::silu(h);
    case Activation::gelu: return at::gelu(h);
    case Activation::gelu_tanh: return at::gelu(h, "tanh");
    case Activation::relu2: return at::relu(h).square();
  }
  throw Error(ErrorKind::internal, "unknown activation");
}

at::Tensor linear(const at::Tensor& x, const Leaf& weight, const Leaf& bias) {
  return bias.tensor.defined() ? at::linear(x, weight.tensor, bias.tensor)
                               : at::linear(x, weight.tensor);
}

/// The rows of one expert: their tokens i64 [rows] and scores [rows], in the layer's type.
struct ExpertRows {
  at::Tensor tokens, scores;
};

ExpertRows rows_of(const Pairs& pairs, const at::Tensor& scores, std::int64_t e) {
  if (pairs.are_given()) {
    const std::int64_t begin = pairs.expert_offsets[e], end = pairs.expert_offsets[e + 1];
    return {pairs.row_tokens.slice(0, begin, end), scores.slice(0, begin, end)};
  }
  const std::vector<at::Tensor> where = at::where(pairs.chosen_experts == e);
  return {where[0], where[0].numel() == 0 ? at::Tensor() : scores.index({where[0], where[1]})};
}

/// The rows of all experts, sorted by expert, and where each expert's end: i32 [E].
struct SortedRows {
  at::Tensor tokens, scores, ends;
};

SortedRows sort_rows(const LayerConfig& config, const Pairs& pairs, const at::Tensor& scores) {
  if (pairs.are_given()) {
    const std::vector<std::int64_t> ends(pairs.expert_offsets.begin() + 1,
                                         pairs.expert_offsets.end());
    return {pairs.row_tokens, scores, at::tensor(ends).to(scores.device(), at::kInt)};
  }
  const at::Tensor flat = pairs.chosen_experts.flatten();
  const at::Tensor order = flat.argsort(/*stable=*/true, /*dim=*/0, /*descending=*/false);
  const at::Tensor counts = at::bincount(flat, {}, config.num_experts);
  return {order.floor_divide(config.top_k), scores.flatten().index({order}),
          counts.cumsum(0).to(at::kInt)};
}

}  // namespace

void run_loop(const LayerConfig& config, const Parameters& parameters, const at::Tensor& x,
              const Pairs& pairs, at::Tensor out) {
  const at::Tensor scores = pairs.scores.to(x.scalar_type());
  out.zero_();
  for (std::int64_t e = 0; e < config.num_experts; ++e) {
    const ExpertRows rows = rows_of(pairs, scores, e);
    if (rows.tokens.numel() == 0) continue;
    const ExpertLeaves& expert = parameters.experts[static_cast<std::size_t>(e)];
    const at::Tensor h = linear(x.index({rows.tokens}), expert.w_up, expert.b_up);
    const at::Tensor a = activate(config.activation, config.up_layout, h);
    const at::Tensor y = linear(a, expert.w_down, expert.b_down);
    out.index_add_(0, rows.tokens, y * rows.scores.unsqueeze(-1));
  }
}

void run_grouped(const LayerConfig& config, const Parameters& parameters, const at::Tensor& x,
                 const Pairs& pairs, at::Tensor out) {
  const SortedRows rows = sort_rows(config, pairs, pairs.scores.to(x.scalar_type()));
  const ExpertLeaves& experts = parameters.experts.front();
  const at::Tensor h =
      at::_grouped_mm(x.index({rows.tokens}), experts.w_up.tensor.transpose(1, 2), rows.ends);
  const at::Tensor a = activate(config.activation, config.up_layout, h);
  const at::Tensor y = at::_grouped_mm(a, experts.w_down.tensor.transpose(1, 2), rows.ends);
  out.zero_().index_add_(0, rows.tokens, y * rows.scores.unsqueeze(-1));
}

void add_shared_expert(const LayerConfig& config, const Parameters& parameters, const at::Tensor& x,
                       at::Tensor out) {
  const at::Tensor h = at::linear(x, parameters.w_shared_up.tensor);
  const at::Tensor a = activate(config.activation, UpLayout::concatenated, h);
  const at::Tensor y = at::linear(a, parameters.w_shared_down.tensor);
  if (!config.shared.gated) {
    out.add_(y);
    return;
  }
  const at::Tensor gate = at::linear(x, parameters.w_shared_gate.tensor.unsqueeze(0));
  out.add_(at::sigmoid(gate) * y);
}

}  // namespace moe::torch_rows
