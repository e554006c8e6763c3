// Wrapping, and the sinks of gradients.
#include "torch/parameters.h"

#include <ATen/Functions.h>
#include <ATen/ops/from_blob.h>

#include <array>

namespace moe::torch_rows {
namespace {

at::ScalarType scalar_type(DType dtype) {
  switch (dtype) {
    case DType::f32: return at::kFloat;
    case DType::bf16: return at::kBFloat16;
    case DType::f16: return at::kHalf;
    case DType::f64: return at::kDouble;
    case DType::i32: return at::kInt;
    case DType::i64: return at::kLong;
  }
  return at::kFloat;
}

/// view[e] along the first axis.
TensorView part(TensorView view, std::int64_t e) {
  if (view.empty()) return {};
  TensorView result = view;
  result.rank = view.rank - 1;
  for (int axis = 0; axis < result.rank; ++axis) result.shape[axis] = view.shape[axis + 1];
  result.data = view.as<std::byte>() + e * static_cast<std::int64_t>(result.bytes());
  return result;
}

std::array<const void*, 10> addresses(const Weights& w) {
  return {w.w_router.data,      w.b_router.data,     w.w_up.data,     w.w_down.data,
          w.b_up.data,          w.b_down.data,       w.b_select.data, w.w_shared_up.data,
          w.w_shared_down.data, w.w_shared_gate.data};
}

}  // namespace

at::Tensor wrap(TensorView view, at::Device device) {
  if (view.empty()) return {};
  const at::IntArrayRef shape(view.shape.data(), static_cast<std::size_t>(view.rank));
  return at::from_blob(view.data, shape, at::dtype(scalar_type(view.dtype)).device(device));
}

void GradientSink::aim(TensorView target, Accumulate accumulate, at::Device device) {
  if (target.data != memory_) target_ = wrap(target, device);
  memory_ = target.data;
  adds_ = accumulate == Accumulate::add;
  is_written_ = false;
}

void GradientSink::finish() {
  if (target_.defined() && !is_written_ && !adds_) target_.zero_();
}

torch::autograd::variable_list GradientSink::apply(torch::autograd::variable_list&& gradients) {
  const at::Tensor& gradient = gradients.front();
  if (!target_.defined() || !gradient.defined()) return {};
  if (adds_) {
    target_.add_(gradient);
  } else {
    target_.copy_(gradient);
  }
  is_written_ = true;
  return {};
}

Leaf make_leaf(TensorView view, at::Device device) {
  Leaf leaf{wrap(view, device), nullptr};
  if (!leaf.tensor.defined()) return leaf;
  leaf.sink = std::make_shared<GradientSink>();
  torch::autograd::create_gradient_edge(leaf.tensor, leaf.sink);
  return leaf;
}

Parameters::Parameters(const Weights& weights, Experts kind, std::int64_t num_experts,
                       at::Device device)
    : b_select(wrap(weights.b_select, device)),
      experts(kind == Experts::loop ? static_cast<std::size_t>(num_experts) : 1),
      weights_(weights),
      kind_(kind),
      device_(device) {
  visit(weights, [device](Leaf& leaf, TensorView view) { leaf = make_leaf(view, device); });
}

template <class Visit>
void Parameters::visit(const Weights& views, Visit&& visit) {
  visit(w_router, views.w_router);
  visit(b_router, views.b_router);
  visit(w_shared_up, views.w_shared_up);
  visit(w_shared_down, views.w_shared_down);
  visit(w_shared_gate, views.w_shared_gate);
  for (std::size_t e = 0; e < experts.size(); ++e) {
    const auto own = [&](TensorView view) {
      return kind_ == Experts::loop ? part(view, static_cast<std::int64_t>(e)) : view;
    };
    visit(experts[e].w_up, own(views.w_up));
    visit(experts[e].w_down, own(views.w_down));
    visit(experts[e].b_up, own(views.b_up));
    visit(experts[e].b_down, own(views.b_down));
  }
}

bool Parameters::are_of(const Weights& weights) const {
  return addresses(weights) == addresses(weights_);
}

void Parameters::aim(const Gradients& gradients, Accumulate accumulate) {
  visit(gradients, [&](Leaf& leaf, TensorView target) {
    if (leaf.sink) leaf.sink->aim(target, accumulate, device_);
  });
}

void Parameters::finish() {
  visit(weights_, [](Leaf& leaf, TensorView) {
    if (leaf.sink) leaf.sink->finish();
  });
}

}  // namespace moe::torch_rows
