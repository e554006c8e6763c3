// Logits, choice and scores. Logits are float32 as in every variant here: a choice from bfloat16
// logits would be another routing.
#include "torch/router.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <limits>

namespace moe::torch_rows {
namespace {

/// Logits f32 [T, E] = x w^T with gradients in the layer's type: the cost of a linear layer of that
/// type. PyTorch's product with another output type is for GPUs, and has no gradient of its own.
class LogitProduct : public torch::autograd::Function<LogitProduct> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& w) {
    context->save_for_backward({x, w});
    if (x.scalar_type() == at::kFloat) return at::mm(x, w.t());
    if (x.is_cuda()) return at::mm(x, w.t(), at::kFloat);
    return at::mm(x.to(at::kFloat), w.to(at::kFloat).t());
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list d_logits) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const at::Tensor typed = d_logits[0].to(saved[0].scalar_type());
    return {typed.mm(saved[1]), typed.t().mm(saved[0])};
  }
};

at::Tensor router_logits(const at::Tensor& x, const Parameters& parameters,
                         const at::Tensor& offsets) {
  at::Tensor logits = LogitProduct::apply(x, parameters.w_router.tensor);
  if (parameters.b_router.tensor.defined()) {
    logits = logits + parameters.b_router.tensor.to(at::kFloat);
  }
  return offsets.defined() ? logits + offsets : logits;
}

/// `values` [T, E] with minus infinity for experts of groups that may not be chosen from.
at::Tensor keep_groups(const Gate& gate, const at::Tensor& values) {
  if (gate.kept_groups == gate.num_groups) return values;
  const at::Tensor grouped = values.view({values.size(0), gate.num_groups, -1});
  const bool sums_two = gate.kind == GateKind::sigmoid && grouped.size(2) > 1;
  const at::Tensor group_scores =
      sums_two ? std::get<0>(grouped.topk(2, -1)).sum(-1) : grouped.amax(-1);
  const at::Tensor kept = std::get<1>(group_scores.topk(gate.kept_groups, -1));
  const at::Tensor is_kept = at::zeros_like(group_scores, at::kBool).scatter_(1, kept, true);
  return grouped
      .masked_fill(is_kept.logical_not().unsqueeze(-1), -std::numeric_limits<float>::infinity())
      .view_as(values);
}

/// Experts with the K largest values, best first. The choice itself has no gradient.
at::Tensor best_experts(const LayerConfig& config, const at::Tensor& values) {
  return std::get<1>(keep_groups(config.gate, values.detach()).topk(config.top_k, -1));
}

/// The same, and the values that were chosen.
std::tuple<at::Tensor, at::Tensor> best(const LayerConfig& config, const at::Tensor& values) {
  if (config.gate.num_groups == 1) return values.topk(config.top_k, -1);
  const at::Tensor experts = best_experts(config, values);
  return {values.gather(1, experts), experts};
}

}  // namespace

Choice choose(const LayerConfig& config, const at::Tensor& x, const Parameters& parameters,
              const at::Tensor& logit_offsets) {
  const Gate& gate = config.gate;
  Choice choice;
  choice.logits = router_logits(x, parameters, logit_offsets);
  switch (gate.kind) {
    case GateKind::topk_softmax: {
      std::tie(choice.scores, choice.experts) = best(config, choice.logits);
      choice.scores = choice.scores.softmax(-1);
      break;
    }
    case GateKind::softmax_topk: {
      std::tie(choice.scores, choice.experts) = best(config, choice.logits.softmax(-1));
      if (gate.renormalize) choice.scores = choice.scores / choice.scores.sum(-1, true);
      break;
    }
    case GateKind::sigmoid: {
      const at::Tensor values = choice.logits.sigmoid();
      const bool has_bias = gate.selection_bias;
      choice.experts = best_experts(config, has_bias ? values + parameters.b_select : values);
      choice.scores = values.gather(1, choice.experts);
      if (gate.renormalize) choice.scores = choice.scores / (choice.scores.sum(-1, true) + 1e-20);
      break;
    }
  }
  if (gate.scale != 1.0f) choice.scores = choice.scores * gate.scale;
  return choice;
}

at::Tensor row_order(const at::Tensor& chosen_experts) {
  return chosen_experts.flatten().argsort(/*stable=*/true, /*dim=*/0, /*descending=*/false);
}

void write_routing(const Choice& choice, std::int64_t num_experts, const Routing& routing,
                   at::Device device) {
  const std::int64_t tokens = choice.experts.size(0), top_k = choice.experts.size(1);
  const std::int64_t rows = tokens * top_k;
  const auto write = [device](TensorView view, std::int64_t begin, const at::Tensor& values) {
    view.rank = 1;
    view.shape[0] = begin + values.numel();
    wrap(view, device).slice(0, begin).copy_(values.flatten());
  };
  const at::Tensor order = row_order(choice.experts);
  at::Tensor rank = at::empty_like(order);  // the row of each pair
  rank.scatter_(0, order, at::arange(rows, order.options()));
  const at::Tensor counts = at::bincount(choice.experts.flatten(), {}, num_experts);
  write(routing.expert_offsets, 0, at::zeros({1}, counts.options()));
  write(routing.expert_offsets, 1, counts.cumsum(0));
  write(routing.row_tokens, 0, order.floor_divide(top_k));
  write(routing.row_scores, 0, choice.scores.flatten().index({order}));
  write(routing.token_offsets, 0, at::arange(0, rows + 1, top_k, order.options()));
  write(routing.token_rows, 0, std::get<0>(rank.view({tokens, top_k}).sort(1)));
  write(routing.chosen_experts, 0, choice.experts);
  write(routing.chosen_scores, 0, choice.scores);
}

}  // namespace moe::torch_rows
