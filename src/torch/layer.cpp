// A layer of PyTorch's operators: forward builds autograd's graph over the caller's memory,
// backward runs it. The graph stands for the saved region, one for each in flight.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <omp.h>
#include <torch/csrc/autograd/autograd.h>

#include <map>
#include <string>

#include "core/arena.h"
#include "core/call.h"
#include "torch/experts.h"
#include "torch/guards.h"
#include "torch/parameters.h"
#include "torch/router.h"

namespace moe::torch_rows {
namespace {

/// What forward() leaves for backward() and routing().
struct Forward {
  Leaf x, given_scores;
  at::Tensor out;  // the graph's root; undefined once backward() has run it
  Choice choice;   // empty where the routing was given
  std::optional<Routing> given;
  std::int64_t given_rows = 0;
  std::shared_ptr<at::Tensor> d_scores = std::make_shared<at::Tensor>();  // f32 [T, K]
};

/// On a GPU the first product of a thread on a stream allocates its library's workspace, which
/// stays: no part of what a pass keeps. Autograd runs backward in a thread of its own.
void prepare_products(at::Device device, const Call& call) {
  if (device.is_cpu() || call.own_memory == nullptr) return;
  const at::AutoGradMode builds_graph(true);
  at::Tensor unit = at::ones({8, 8}, at::TensorOptions(device).dtype(at::kBFloat16));
  unit.requires_grad_();
  unit.mm(unit).sum().backward();
}

class TorchLayer final : public Layer {
 public:
  TorchLayer(const Plan& plan, DeviceId device, Experts kind)
      : plan_(plan), device_(torch_device(device)), kind_(kind) {
    at::set_num_threads(omp_get_max_threads());  // else it would take, and set, its own default
    at::globalContext().lazyInitDevice(device_.type());
  }

  void forward(const Call& call, const Weights& weights, const Inputs& inputs,
               const Outputs& outputs) override;
  void backward(const Call& call, const Weights& weights, const Inputs& inputs, TensorView d_out,
                const InputGradients& gradients) override;
  Routing routing(Memory saved, std::int64_t tokens) const override;

 private:
  void check(const Call& call, const Inputs& inputs) const;
  Parameters& parameters_of(const Weights& weights);
  Pairs route(const Inputs& inputs, const Parameters& parameters, Forward& pass) const;
  Pairs given_pairs(const Routing& given, Forward& pass) const;
  void run(const Call& call, const Inputs& inputs, const Outputs& outputs,
           const Parameters& parameters, Forward& pass) const;
  void write_d_scores(const Forward& pass, TensorView d_scores) const;

  Plan plan_;
  at::Device device_;
  Experts kind_;
  std::unique_ptr<Parameters> parameters_;
  std::map<const std::byte*, Forward> passes_;  // by their saved region
  Stream stream_;                               // of the last forward()
};

void TorchLayer::check(const Call& call, const Inputs& inputs) const {
  const Request& request = plan_.request;
  const std::int64_t tokens = inputs.x.shape[0];
  require_planned(request, tokens);
  const Arena arena(plan_, call.saved, call.workspace);  // throws where a region is too small
}

Parameters& TorchLayer::parameters_of(const Weights& weights) {
  if (!parameters_ || !parameters_->are_of(weights)) {
    parameters_ =
        std::make_unique<Parameters>(weights, kind_, plan_.request.config.num_experts, device_);
  }
  return *parameters_;
}

/// The caller's rows; their number and offsets are read on the host.
Pairs TorchLayer::given_pairs(const Routing& given, Forward& pass) const {
  Pairs pairs;
  const at::Tensor offsets = wrap(given.expert_offsets, device_).to(at::kCPU, at::kLong);
  const auto* begin = offsets.const_data_ptr<std::int64_t>();
  pairs.expert_offsets.assign(begin, begin + offsets.numel());
  const std::int64_t rows = pairs.expert_offsets.back();
  if (rows > plan_.request.max_rows) {
    throw Error(ErrorKind::usage, "the given routing has more rows than the layer was planned for",
                std::to_string(rows) + " rows, Request::max_rows is " +
                    std::to_string(plan_.request.max_rows));
  }
  TensorView scores = given.row_scores;
  scores.shape[0] = pass.given_rows = rows;
  pass.given_scores = make_leaf(scores, device_);
  pass.given = given;
  pairs.scores = pass.given_scores.tensor;
  pairs.row_tokens = wrap(given.row_tokens, device_).slice(0, 0, rows).to(at::kLong);
  return pairs;
}

Pairs TorchLayer::route(const Inputs& inputs, const Parameters& parameters, Forward& pass) const {
  if (inputs.given != nullptr) return given_pairs(*inputs.given, pass);
  pass.choice =
      choose(plan_.request.config, pass.x.tensor, parameters, wrap(inputs.logit_offsets, device_));
  const at::Tensor scores = pass.choice.scores;
  if (scores.requires_grad()) {
    scores.register_hook([kept = pass.d_scores](const at::Tensor& gradient) { *kept = gradient; });
  }
  pass.choice.scores = scores.detach();
  Pairs pairs;
  pairs.chosen_experts = pass.choice.experts;
  pairs.scores = scores;
  return pairs;
}

void TorchLayer::run(const Call& call, const Inputs& inputs, const Outputs& outputs,
                     const Parameters& parameters, Forward& pass) const {
  const LayerConfig& config = plan_.request.config;
  pass.x = make_leaf(inputs.x, device_);
  Pairs pairs;
  {
    const StepScope step(call.probe, "router");
    pairs = route(inputs, parameters, pass);
  }
  if (!outputs.logits.empty() && pass.choice.logits.defined()) {
    wrap(outputs.logits, device_).copy_(pass.choice.logits.detach());
  }
  pass.choice.logits = at::Tensor();
  const at::Tensor out = wrap(outputs.out, device_);
  {
    const StepScope step(call.probe, "experts");
    (kind_ == Experts::loop ? run_loop : run_grouped)(config, parameters, pass.x.tensor, pairs,
                                                      out);
  }
  if (config.shared.ffn_dim > 0) {
    const StepScope step(call.probe, "shared_expert");
    add_shared_expert(config, parameters, pass.x.tensor, out);
  }
  if (plan_.request.training) pass.out = out;
}

void TorchLayer::forward(const Call& call, const Weights& weights, const Inputs& inputs,
                         const Outputs& outputs) {
  check(call, inputs);
  stream_ = call.stream;
  translate_errors([&] {
    const StreamScope stream(call.stream);
    passes_.erase(call.saved.data);
    Parameters& parameters = parameters_of(weights);
    prepare_products(device_, call);
    const AllocationScope allocations(call.own_memory, true);
    const at::AutoGradMode builds_graph(plan_.request.training);
    Forward pass;
    run(call, inputs, outputs, parameters, pass);
    passes_.emplace(call.saved.data, std::move(pass));
  });
}

void TorchLayer::write_d_scores(const Forward& pass, TensorView d_scores) const {
  if (d_scores.empty() || pass.given) return;  // of a given routing the sink has written it
  d_scores.shape[0] = pass.choice.experts.numel();
  const at::Tensor target = wrap(d_scores, device_);
  target.copy_(pass.d_scores->flatten().index({row_order(pass.choice.experts)}));
}

void TorchLayer::backward(const Call& call, const Weights& weights, const Inputs& inputs,
                          TensorView d_out, const InputGradients& gradients) {
  require_training(plan_.request);
  check(call, inputs);
  const auto found = passes_.find(call.saved.data);
  if (found == passes_.end() || !found->second.out.defined()) {
    throw Error(ErrorKind::usage, "backward() without its forward()",
                "autograd's graph of this saved region is gone or was never built",
                "call forward() first; plan with Request::keep_saved to run backward() twice");
  }
  Forward& pass = found->second;
  translate_errors([&] {
    const StreamScope stream(call.stream);
    const AllocationScope allocations(call.own_memory, false);
    const StepScope step(call.probe, "autograd");
    Parameters& parameters = parameters_of(weights);
    parameters.aim(gradients.weights, gradients.accumulate);
    pass.x.sink->aim(gradients.d_x, Accumulate::overwrite, device_);
    if (pass.given) {
      TensorView d_scores = gradients.d_scores;
      d_scores.shape[0] = pass.given_rows;
      pass.given_scores.sink->aim(d_scores, Accumulate::overwrite, device_);
    }
    const bool keeps_graph = plan_.request.keep_saved;
    torch::autograd::backward({pass.out}, {wrap(d_out, device_)}, keeps_graph);
    if (!keeps_graph) pass.out = at::Tensor();
    parameters.finish();
    pass.x.sink->finish();
    if (pass.given) pass.given_scores.sink->finish();
    write_d_scores(pass, gradients.d_scores);
  });
}

/// The arrays by row are made here, for whoever asks: PyTorch's operators have no use for them, so
/// the timed passes do not pay for them.
Routing TorchLayer::routing(Memory saved, std::int64_t tokens) const {
  const auto found = passes_.find(saved.data);
  if (found == passes_.end()) {
    throw Error(ErrorKind::usage, "routing() without a forward() of this saved region");
  }
  Plan saved_only = plan_;
  saved_only.workspace_bytes = 0;
  const Arena arena(saved_only, saved, {});
  Routing routing{arena["expert_offsets"], arena["row_tokens"],   arena["row_scores"],
                  arena["token_offsets"],  arena["token_rows"],   plan_.request.max_rows,
                  arena["chosen_experts"], arena["chosen_scores"]};
  routing.token_offsets.shape[0] = tokens + 1;
  routing.chosen_experts.shape[0] = routing.chosen_scores.shape[0] = tokens;
  const Forward& pass = found->second;
  translate_errors([&] {
    const StreamScope stream(stream_);
    if (!pass.given) {
      write_routing(pass.choice, plan_.request.config.num_experts, routing, device_);
      return;
    }
    const auto copy = [&](TensorView to, TensorView from, std::int64_t count) {
      wrap(to, device_)
          .flatten()
          .slice(0, 0, count)
          .copy_(wrap(from, device_).flatten().slice(0, 0, count));
    };
    copy(routing.expert_offsets, pass.given->expert_offsets, plan_.request.config.num_experts + 1);
    copy(routing.row_tokens, pass.given->row_tokens, pass.given_rows);
    copy(routing.row_scores, pass.given->row_scores, pass.given_rows);
    copy(routing.token_offsets, pass.given->token_offsets, tokens + 1);
    copy(routing.token_rows, pass.given->token_rows, pass.given_rows);
  });
  return routing;
}

}  // namespace

std::unique_ptr<Layer> make_torch_layer(const Plan& plan, DeviceId device, Experts experts) {
  return std::make_unique<TorchLayer>(plan, device, experts);
}

}  // namespace moe::torch_rows
