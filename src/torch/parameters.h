// The caller's weights as PyTorch tensors without a copy, and the way back: gradients that autograd
// makes are written into the caller's memory as they come.
#pragma once

#include <torch/csrc/autograd/function.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "moe/layer.h"
#include "torch/variants.h"

namespace moe::torch_rows {

/// The same memory as a tensor on that device; undefined for an empty view.
at::Tensor wrap(TensorView view, at::Device device);

/// Where a path of the graph ends: takes the place of AccumulateGrad, which would keep a tensor of
/// its own until it were copied. Holds nothing of a pass, so that it serves all of them. Like that
/// one it is the first of what is ready to run, or gradients of all experts would pile up.
class GradientSink final : public torch::autograd::Node {
 public:
  GradientSink() : Node(/*sequence_nr=*/UINT64_MAX) {}

  /// Of the next backward pass; an empty view is not wanted.
  void aim(TensorView target, Accumulate accumulate, at::Device device);
  /// After that pass: a tensor that no gradient reached (of an expert without rows) becomes 0.
  void finish();

 private:
  torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override;

  void* memory_ = nullptr;
  at::Tensor target_;
  bool adds_ = false, is_written_ = false;
};

/// A tensor that autograd differentiates by. Both are null for an empty view.
struct Leaf {
  at::Tensor tensor;
  std::shared_ptr<GradientSink> sink;
};
Leaf make_leaf(TensorView view, at::Device device);

/// Weights [u, d], [d, n] and biases of one expert; with Experts::grouped those of all, [E, ...].
struct ExpertLeaves {
  Leaf w_up, w_down, b_up, b_down;
};

/// Made once for the same memory, as a module's parameters are. In the loop each expert has its
/// own, as in a ModuleList: a slice of one tensor would make autograd fill a gradient of all
/// experts for each.
class Parameters {
 public:
  Parameters(const Weights& weights, Experts kind, std::int64_t num_experts, at::Device device);

  bool are_of(const Weights& weights) const;
  /// Of the next backward pass: where its gradients go.
  void aim(const Gradients& gradients, Accumulate accumulate);
  void finish();

  Leaf w_router, b_router, w_shared_up, w_shared_down, w_shared_gate;
  at::Tensor b_select;
  std::vector<ExpertLeaves> experts;

 private:
  template <class Visit>
  void visit(const Weights& views, Visit&& visit);

  Weights weights_;
  Experts kind_;
  at::Device device_;
};

}  // namespace moe::torch_rows
