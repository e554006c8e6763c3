// Passes of one variant.
#include "measure/run/trial.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "measure/run/probes.h"
#include "moe/error.h"

namespace moe::measure {
namespace {

constexpr std::size_t kHashedBytes = std::size_t{32} << 20;

template <class Element>
std::vector<Element> to_host(Device& device, TensorView view, std::int64_t count) {
  std::vector<Element> values(static_cast<std::size_t>(count));
  if (count > 0) device.copy_to_host(values.data(), view.data, values.size() * sizeof(Element));
  return values;
}

}  // namespace

Workbench::Workbench(Device& device, const LayerConfig& config, std::int64_t tokens,
                     std::int64_t max_rows, bool training, std::size_t region_bytes)
    : regions_(device, region_bytes) {
  const std::int64_t d = config.hidden_dim;
  const std::size_t token_bytes = static_cast<std::size_t>(tokens * d) * size_of(config.dtype);
  outputs_ = DeviceBuffer(device, (training ? 2 : 1) * token_bytes);
  out_ = {outputs_.data(), config.dtype, {tokens, d}};
  const std::int64_t num_logits = tokens * config.num_experts;
  logits_ = DeviceBuffer(device, static_cast<std::size_t>(num_logits) * sizeof(float));
  logits_view_ = {logits_.data(), DType::f32, {tokens, config.num_experts}};
  if (!training) return;
  d_x_ = {outputs_.data() + token_bytes, config.dtype, {tokens, d}};
  d_scores_ = DeviceBuffer(device, static_cast<std::size_t>(max_rows) * sizeof(float));
  d_scores_view_ = {d_scores_.data(), DType::f32, {max_rows}};
  gradient_memory_ = DeviceBuffer(device, Problem::carved_bytes(config, false));
  gradients_ = Problem::carve_weights(config, gradient_memory_.data(), false);
}

void Workbench::poison(Device& device) {
  constexpr unsigned char kNanByte = 0xff;
  for (const DeviceBuffer* buffer :
       {&regions_, &outputs_, &logits_, &d_scores_, &gradient_memory_}) {
    if (buffer->data() != nullptr) device.fill_bytes(buffer->memory(), kNanByte);
  }
}

Call Workbench::call(Device& device, const Plan& plan, Probe* probe) const {
  const Memory saved{regions_.data(), plan.saved_bytes};
  const Memory workspace{regions_.data() + plan.saved_bytes, plan.workspace_bytes};
  return {device.stream(), saved, workspace, probe};
}

Outputs Workbench::outputs(bool with_logits) const {
  return {out_, with_logits ? logits_view_ : TensorView{}};
}

InputGradients Workbench::gradients(bool with_scores) const {
  return {d_x_, with_scores ? d_scores_view_ : TensorView{}, gradients_, Accumulate::overwrite};
}

TensorView Workbench::on_host(Device& device, TensorView view) {
  if (view.empty() || device.memory_is_host()) return view;
  std::vector<std::byte>& copy = host_copies_[view.data];
  copy.resize(view.bytes());
  device.copy_to_host(copy.data(), view.data, view.bytes());
  view.data = copy.data();
  return view;
}

Trial::Trial(Device& device, const VariantChoice& choice, const Plan& plan, const Problem& problem,
             Workbench& workbench, const GivenRouting* given)
    : device_(device),
      choice_(choice),
      plan_(plan),
      problem_(problem),
      workbench_(workbench),
      given_(given),
      layer_(choice.variant->make_layer(plan, device.id())) {}

Inputs Trial::inputs() const {
  if (given_ != nullptr) return {problem_.x(), {}, &given_->on_device()};
  return {problem_.x(), problem_.logit_offsets(), nullptr, problem_.rounding_seed()};
}

InputGradients Trial::gradients(bool for_check) const {
  InputGradients wanted = workbench_.gradients(for_check || given_ != nullptr);
  if (given_ != nullptr) wanted.weights.w_router = wanted.weights.b_router = {};
  return wanted;
}

void Trial::forward(Probe* probe) {
  const Call call = workbench_.call(device_, plan_, probe);
  layer_->forward(call, problem_.weights(), inputs(), workbench_.outputs(false));
}

void Trial::backward(Probe* probe) {
  const Call call = workbench_.call(device_, plan_, probe);
  layer_->backward(call, problem_.weights(), inputs(), problem_.d_out(), gradients(false));
}

void Trial::settle(double seconds) {
  measure::settle(device_, seconds, [&] {
    forward(nullptr);
    if (plan_.request.training) backward(nullptr);
  });
}

std::vector<PassSeconds> Trial::run(const TurnPace& pace) {
  settle(pace.settle_s);
  const RangeScope variant(device_, choice_.label);
  std::vector<PassSeconds> samples;
  for (int i = 0; i < pace.samples; ++i) samples.push_back(run_once());
  return samples;
}

PassSeconds Trial::run_once() {
  const bool training = plan_.request.training;
  const auto timed = [&](const char* phase, auto work) {
    const RangeScope range(device_, phase);
    return device_.time(work);
  };
  PassSeconds seconds;
  seconds.forward = timed("forward", [&] { forward(nullptr); });
  if (training) seconds.backward = timed("backward", [&] { backward(nullptr); });
  if (!forward_graph_) return seconds;
  seconds.graph_forward = timed("forward graph", [&] { replay_forward(); });
  if (training) seconds.graph_backward = timed("backward graph", [&] { replay_backward(); });
  return seconds;
}

/// Of out and d_x, part by part: enough to say that bits are the same, and gigabytes need no place.
std::vector<std::size_t> Trial::result_hashes() {
  std::vector<std::size_t> hashes;
  std::vector<std::byte> part(kHashedBytes);
  for (const TensorView& view : {workbench_.outputs(false).out, workbench_.gradients(false).d_x}) {
    if (view.empty()) continue;
    for (std::size_t begin = 0; begin < view.bytes(); begin += part.size()) {
      const std::size_t bytes = std::min(part.size(), view.bytes() - begin);
      device_.copy_to_host(part.data(), view.as<std::byte>() + begin, bytes);
      const std::string_view text(reinterpret_cast<const char*>(part.data()), bytes);
      hashes.push_back(std::hash<std::string_view>{}(text));
    }
  }
  return hashes;
}

std::string Trial::capture_graphs() {
  const bool training = plan_.request.training;
  if (!device_.capture([] {})) return {};
  if (!plan_.capturable) {
    return plan_.waits_for_device ? "it reads results of the device on the host in mid-pass"
                                  : "its plan says that it cannot be captured";
  }
  forward(nullptr);
  if (training) backward(nullptr);
  const std::vector<std::size_t> want = result_hashes();
  try {
    auto forward_graph = device_.capture([&] { forward(nullptr); });
    auto backward_graph = training ? device_.capture([&] { backward(nullptr); }) : nullptr;
    workbench_.poison(device_);
    forward_graph->replay();
    if (training) backward_graph->replay();
    if (plan_.deterministic && result_hashes() != want) return "its replay gave other bits";
    forward_graph_ = std::move(forward_graph);
    backward_graph_ = std::move(backward_graph);
  } catch (const Error& error) {
    return std::string("its capture failed: ") + error.what();
  }
  return {};
}

HostResult Trial::run_for_check() {
  workbench_.poison(device_);
  Call call = workbench_.call(device_, plan_);
  own_memory_ = {};
  call.own_memory = &own_memory_;
  layer_->forward(call, problem_.weights(), inputs(), workbench_.outputs(true));
  if (plan_.request.training) {
    layer_->backward(call, problem_.weights(), inputs(), problem_.d_out(), gradients(true));
  }
  device_.synchronize();
  HostResult result;
  result.exact_choice = !choice_.is_framework();
  copy_routing(result);
  const InputGradients gradients = this->gradients(true);
  result.out = workbench_.on_host(device_, workbench_.outputs(false).out);
  result.d_x = workbench_.on_host(device_, gradients.d_x);
  result.d_scores = workbench_.on_host(device_, gradients.d_scores);
  bring_gradients(result);
  if (device_.memory_is_host()) return result;
  result.scanned["out"] = device_.find_not_finite(workbench_.outputs(false).out);
  if (gradients.d_x.empty()) return result;
  result.scanned["d_x"] = device_.find_not_finite(gradients.d_x);
  result.scanned["d_w_up"] = device_.find_not_finite(gradients.weights.w_up);
  result.scanned["d_w_down"] = device_.find_not_finite(gradients.weights.w_down);
  return result;
}

/// Small gradients whole; those of routed experts one by one, as verification wants them.
void Trial::bring_gradients(HostResult& result) {
  const Gradients device = gradients(true).weights;
  Gradients& host = result.gradients;
  const auto on_host = [this](TensorView view) { return workbench_.on_host(device_, view); };
  host.w_router = on_host(device.w_router);
  host.b_router = on_host(device.b_router);
  host.b_up = on_host(device.b_up);
  host.b_down = on_host(device.b_down);
  host.w_shared_up = on_host(device.w_shared_up);
  host.w_shared_down = on_host(device.w_shared_down);
  host.w_shared_gate = on_host(device.w_shared_gate);
  host.w_up = device.w_up;
  host.w_down = device.w_down;
  if (device.w_up.empty() || device_.memory_is_host()) return;
  const auto copy = [this](const ExpertImage::Part& part, TensorView from) {
    const auto offset = static_cast<std::size_t>(part.first) * size_of(from.dtype);
    device_.copy_to_host(part.view.data, from.as<std::byte>() + offset, part.view.bytes());
  };
  gradient_image_ = std::make_unique<ExpertImage>(
      plan_.request.config,
      [copy, device](const ExpertImage::Part& up, const ExpertImage::Part& down) {
        copy(up, device.w_up);
        copy(down, device.w_down);
      });
  host.w_up = gradient_image_->up();
  host.w_down = gradient_image_->down();
  result.experts = gradient_image_.get();
}

/// The router's logits and choice, or those that the given routing was made from.
void Trial::copy_choice(HostResult& result, const Routing& routing) const {
  const std::int64_t pairs = plan_.request.max_tokens * plan_.request.config.top_k;
  if (given_ == nullptr) {
    result.chosen_experts = to_host<std::int32_t>(device_, routing.chosen_experts, pairs);
    result.chosen_scores = to_host<float>(device_, routing.chosen_scores, pairs);
  } else {
    result.chosen_experts = given_->rows().chosen_experts;
    result.chosen_scores = given_->rows().chosen_scores;
    result.logits.assign(given_->logits().begin(), given_->logits().end());
  }
}

void Trial::copy_routing(HostResult& result) const {
  const LayerConfig& config = plan_.request.config;
  const std::int64_t T = plan_.request.max_tokens, E = config.num_experts;
  const Routing routing = layer_->routing(workbench_.call(device_, plan_).saved, T);
  if (given_ == nullptr) {
    result.logits = to_host<float>(device_, workbench_.outputs(true).logits, T * E);
  }
  result.expert_offsets = to_host<std::int32_t>(device_, routing.expert_offsets, E + 1);
  // What a wrong variant left there may be any number.
  const std::int64_t rows =
      std::clamp<std::int64_t>(result.expert_offsets.back(), 0, routing.max_rows);
  result.row_tokens = to_host<std::int32_t>(device_, routing.row_tokens, rows);
  result.row_scores = to_host<float>(device_, routing.row_scores, rows);
  result.token_offsets = to_host<std::int32_t>(device_, routing.token_offsets, T + 1);
  result.token_rows = to_host<std::int32_t>(device_, routing.token_rows, rows);
  copy_choice(result, routing);
}

}  // namespace moe::measure
