// Each strategy as a change of plan. docs/measurement.md has what each is taken to cost.
#include "model/layer/strategy.h"

#include <algorithm>
#include <cmath>

#include "model/layer/layer_cost.h"
#include "plan/builder.h"

namespace moe::model {
namespace {

constexpr double kFp8BytesPerElement = 1 + 4.0 / 128;  // one float32 scale per 128 elements

struct Input {
  const Strategy& strategy;
  std::string_view variant;
  const LayerSetup& setup;
  const StrategyContext& context;
};

Buffer* find(Plan& plan, std::string_view name) {
  const auto found = std::find_if(plan.buffers.begin(), plan.buffers.end(),
                                  [&](const Buffer& buffer) { return buffer.name == name; });
  return found == plan.buffers.end() ? nullptr : &*found;
}

bool is_saved_tensor(const Buffer& buffer) {
  return buffer.region == Region::saved && !is_routing_buffer(buffer.name);
}

double bytes_of(const Buffer& buffer) {
  return static_cast<double>(buffer.bytes);
}

int step_index(const Plan& plan, std::string_view name, int otherwise) {
  int index = 0;
  for (const auto* steps : {&plan.forward, &plan.backward}) {
    for (const Step& step : *steps) {
      if (step.name == name) return index;
      ++index;
    }
  }
  return otherwise;
}

double pass_seconds(const Plan& plan, const Rates& rates) {
  return least_seconds(plan.forward, rates) + least_seconds(plan.backward, rates);
}

double pass_bytes(const Plan& plan) {
  return forward_work(plan).bytes + backward_work(plan).bytes;
}

Changed refused(const std::string& why) {
  Changed changed;
  changed.not_applicable = why;
  return changed;
}

Changed changed_from(const Input& in) {
  Changed changed;
  changed.setup = in.setup;
  changed.variant = in.variant;
  return changed;
}

Changed memory_minimal(const Input& in) {
  if (in.variant == "sonic") return refused("it is what sonic does");
  const Request& request = in.setup.plan.request;
  Changed changed = changed_from(in);
  changed.setup.plan = in.context.plan("sonic", request);
  const Rates& rates = in.context.rates;
  changed.price.memory_bytes = pass_bytes(changed.setup.plan) - pass_bytes(in.setup.plan);
  changed.price.seconds =
      pass_seconds(changed.setup.plan, rates) - pass_seconds(in.setup.plan, rates);
  changed.variant = "sonic";
  changed.implemented = true;
  changed.remark = "the plan of sonic";
  return changed;
}

Changed chunk(const Input& in) {
  const std::int64_t parts = in.strategy.parts;
  Request request = in.setup.plan.request;
  if (request.max_tokens % parts != 0) {
    return refused(std::to_string(request.max_tokens) + " tokens are no multiple of " +
                   std::to_string(parts));
  }
  request.max_tokens /= parts;
  request.max_rows =
      std::min(max_routed_rows(request.config, request.max_tokens), request.max_rows);
  Changed changed = changed_from(in);
  changed.setup.plan = in.context.plan(in.variant, request);
  changed.setup.calls = in.setup.calls * parts;
  const auto times = static_cast<double>(parts);
  const Rates& rates = in.context.rates;
  // Weight gradients are added to from the second part on: read once more by each.
  const double added = (times - 1) * static_cast<double>(gradient_bytes(request.config));
  changed.price.memory_bytes =
      times * pass_bytes(changed.setup.plan) - pass_bytes(in.setup.plan) + added;
  changed.price.seconds = times * pass_seconds(changed.setup.plan, rates) -
                          pass_seconds(in.setup.plan, rates) + added / rates.bytes;
  changed.implemented = true;
  changed.remark = "weights are read by each part; rows per expert are fewer";
  return changed;
}

Changed in_place_dh(const Input& in) {
  Changed changed = changed_from(in);
  changed.remark = "H is gone after backward";
  if (in.variant == "sonic") {  // it does so unless the caller forbids it
    Request request = in.setup.plan.request;
    request.keep_saved = true;
    changed.without = in.setup;
    changed.without->plan = in.context.plan(in.variant, request);
    changed.implemented = true;
    changed.remark = "sonic does it; compared with Request::keep_saved";
    return changed;
  }
  std::erase_if(changed.setup.plan.buffers,
                [](const Buffer& buffer) { return buffer.name == "d_h"; });
  changed.setup.plan = plan::lay_out(std::move(changed.setup.plan), in.context.alignment);
  return changed;
}

Changed recompute_activation(const Input& in) {
  Changed changed = changed_from(in);
  Plan& plan = changed.setup.plan;
  Buffer* a = find(plan, "a");
  if (a == nullptr || a->region != Region::saved) return refused("A is not kept");
  const Buffer* h = find(plan, "h");
  changed.price.memory_bytes = static_cast<double>(in.setup.calls) * (bytes_of(*h) + bytes_of(*a));
  changed.price.seconds = changed.price.memory_bytes / in.context.rates.bytes;
  const int last_forward = static_cast<int>(plan.forward.size()) - 1;
  const int last = last_forward + static_cast<int>(plan.backward.size());
  if (in.variant == "vanilla") {  // one expert at a time, which may have every token
    const Request& request = plan.request;
    a->bytes = a->bytes / static_cast<std::size_t>(request.max_rows) *
               static_cast<std::size_t>(std::min(request.max_rows, request.max_tokens));
  }
  Buffer again = *a;
  a->region = Region::workspace;
  a->first_step = step_index(plan, "activation", step_index(plan, "experts", 0));
  a->last_step = step_index(plan, "down_proj", step_index(plan, "experts", last_forward));
  again.name = "a_again";
  again.region = Region::workspace;
  again.first_step = step_index(plan, "d_w_down", step_index(plan, "d_experts", last_forward + 1));
  again.last_step = step_index(plan, "d_w_down", step_index(plan, "d_experts", last));
  plan.buffers.push_back(again);
  plan = plan::lay_out(std::move(plan), in.context.alignment);
  changed.remark = "one pass over H; sonic does this inside a product";
  return changed;
}

Changed fp8_activations(const Input& in) {
  Changed changed = changed_from(in);
  double before = 0, after = 0;
  for (Buffer& buffer : changed.setup.plan.buffers) {
    if (!is_saved_tensor(buffer)) continue;
    before += bytes_of(buffer);
    const double elements = bytes_of(buffer) / static_cast<double>(size_of(buffer.dtype));
    buffer.bytes = static_cast<std::size_t>(std::ceil(elements * kFp8BytesPerElement));
    after += bytes_of(buffer);
  }
  changed.setup.plan = plan::lay_out(std::move(changed.setup.plan), in.context.alignment);
  // A pass that quantises and one that restores: each reads one form and writes the other.
  changed.price.memory_bytes = static_cast<double>(in.setup.calls) * 2 * (before + after);
  changed.price.seconds = changed.price.memory_bytes / in.context.rates.bytes;
  changed.remark = "changes results; X stays as it is";
  return changed;
}

Changed offload(const Input& in) {
  if (in.context.rates.host_bytes == 0) return refused("this device's memory is the host's");
  Changed changed = changed_from(in);
  changed.setup.held = Held::nothing;
  changed.price.host_bytes =
      2 * static_cast<double>(held_bytes(in.setup) - held_bytes(changed.setup));
  changed.price.seconds = changed.price.host_bytes / in.context.rates.host_bytes;
  const double compute =
      static_cast<double>(in.setup.calls) * pass_seconds(in.setup.plan, in.context.rates);
  changed.remark = changed.price.seconds < compute ? "hidden behind the layer's own time at best"
                                                   : "longer than the layer's own time";
  return changed;
}

Changed recompute_layer(const Input& in) {
  Changed changed = changed_from(in);
  changed.setup.held = Held::input;
  const Work again = forward_work(in.setup.plan);
  const auto calls = static_cast<double>(in.setup.calls);
  changed.price.flops = calls * again.flops;
  changed.price.memory_bytes = calls * again.bytes;
  changed.price.seconds = calls * least_seconds(in.setup.plan.forward, in.context.rates);
  changed.remark = "the peak of one layer stays: backward needs everything again";
  return changed;
}

Changed expert_parallel(const Input& in) {
  const auto ranks = static_cast<double>(in.strategy.parts);
  const LayerConfig& config = in.setup.config();
  if (in.strategy.parts > config.num_experts) {
    return refused("there are " + std::to_string(config.num_experts) + " experts");
  }
  if (in.context.rates.link_bytes == 0) return refused("this device has no link to others");
  Changed changed = changed_from(in);
  changed.setup.expert_ranks = in.strategy.parts;
  // Copies of a token that leave its device: one for each other rank that any of its experts is on,
  // experts chosen evenly.
  const double copies =
      (ranks - 1) * (1 - std::pow(1 - 1 / ranks, static_cast<double>(config.top_k)));
  const double sent = copies * static_cast<double>(in.setup.tokens() * config.hidden_dim) *
                      static_cast<double>(size_of(config.dtype));
  changed.setup.communication_bytes = static_cast<std::int64_t>(2 * sent);  // to send, to receive
  changed.price.link_bytes = 4 * sent;  // dispatch and combine, forward and backward
  changed.price.seconds = changed.price.link_bytes / in.context.rates.link_bytes;
  changed.remark = "even load; rows per device stay T*K";
  return changed;
}

Changed zero(const Input& in) {
  if (in.context.rates.link_bytes == 0) return refused("this device has no link to others");
  Changed changed = changed_from(in);
  changed.setup.states.zero_stage = in.strategy.zero_stage;
  changed.setup.states.ranks = in.strategy.parts;
  const LayerStates states = layer_states(in.setup);
  const auto ranks = static_cast<double>(in.strategy.parts);
  if (in.strategy.zero_stage == 3) {  // weights are gathered for forward and again for backward,
                                      // where stages 1 and 2 gather them once after the step
    changed.price.link_bytes =
        (ranks - 1) / ranks * static_cast<double>(states.experts.weights + states.others.weights);
    changed.price.seconds = changed.price.link_bytes / in.context.rates.link_bytes;
  }
  changed.remark = in.strategy.zero_stage < 3 ? "the traffic of plain data parallelism"
                                              : "half as much traffic again";
  return changed;
}

}  // namespace

Changed apply(const Strategy& strategy, std::string_view variant, const LayerSetup& setup,
              const StrategyContext& context) {
  const Input in{strategy, variant, setup, context};
  switch (strategy.kind) {
    case StrategyKind::memory_minimal: return memory_minimal(in);
    case StrategyKind::chunk: return chunk(in);
    case StrategyKind::in_place_dh: return in_place_dh(in);
    case StrategyKind::recompute_activation: return recompute_activation(in);
    case StrategyKind::fp8_activations: return fp8_activations(in);
    case StrategyKind::offload: return offload(in);
    case StrategyKind::recompute_layer: return recompute_layer(in);
    case StrategyKind::expert_parallel: return expert_parallel(in);
    case StrategyKind::zero: return zero(in);
  }
  return {};
}

}  // namespace moe::model
