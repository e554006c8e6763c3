// Sums over a plan's buffers.
#include "model/layer/layer_memory.h"

#include <algorithm>
#include <array>
#include <utility>

#include "model/layer/layer_cost.h"
#include "moe/error.h"

namespace moe::model {
namespace {

constexpr std::array<std::string_view, 15> kRoutingBuffers{
    "expert_offsets",  "row_tokens",    "row_scores",  "token_offsets",  "token_rows",
    "chosen_experts",  "chosen_scores", "token_norms", "logits",         "rounding_keys",
    "permute_scratch", "d_scores",      "d_logits",    "d_logits_typed", "logits_again"};

struct StepRange {
  int first = 0, last = 0;  // both included
};

StepRange steps_of(const Plan& plan, Phase phase) {
  const int forward = static_cast<int>(plan.forward.size());
  const int all = forward + static_cast<int>(plan.backward.size());
  return phase == Phase::backward ? StepRange{forward, all - 1} : StepRange{0, forward - 1};
}

const Step& step_at(const Plan& plan, int index) {
  const auto forward = static_cast<int>(plan.forward.size());
  return index < forward ? plan.forward[index] : plan.backward[index - forward];
}

std::int64_t size_of_buffer(const Buffer& buffer) {
  return static_cast<std::int64_t>(buffer.bytes);
}

bool in_workspace(const Buffer& buffer, StepRange range) {
  return buffer.region == Region::workspace && buffer.first_step <= range.last &&
         range.first <= buffer.last_step;
}

std::int64_t live_bytes(const Plan& plan, int step) {
  std::int64_t bytes = 0;
  for (const Buffer& buffer : plan.buffers) {
    if (in_workspace(buffer, {step, step})) bytes += size_of_buffer(buffer);
  }
  return bytes;
}

int fullest_step(const Plan& plan, StepRange range) {
  int fullest = range.first;
  for (int step = range.first + 1; step <= range.last; ++step) {
    if (live_bytes(plan, step) > live_bytes(plan, fullest)) fullest = step;
  }
  return fullest;
}

std::int64_t extent(const Plan& plan, StepRange range) {
  std::int64_t end = 0;
  for (const Buffer& buffer : plan.buffers) {
    if (!in_workspace(buffer, range)) continue;
    end = std::max(end, static_cast<std::int64_t>(buffer.offset) + size_of_buffer(buffer));
  }
  return end;
}

/// Workspace that a phase reaches into; for the phase that reaches furthest, the whole region.
std::int64_t region_bytes(const Plan& plan, StepRange range) {
  const StepRange all{0, static_cast<int>(plan.forward.size() + plan.backward.size()) - 1};
  const std::int64_t own = extent(plan, range);
  return own == extent(plan, all) ? static_cast<std::int64_t>(plan.workspace_bytes) : own;
}

Part part_of(const Buffer& buffer) {
  if (is_routing_buffer(buffer.name)) return Part::routing;
  if (buffer.name == "gemm_scratch") return Part::library;
  return buffer.region == Region::saved ? Part::saved : Part::workspace;
}

class Collector {
 public:
  void add(std::string name, Part part, std::int64_t bytes) {
    if (bytes > 0) tensors_.push_back({std::move(name), part, bytes});
  }
  std::vector<Tensor> finish() {
    std::stable_sort(tensors_.begin(), tensors_.end(),
                     [](const Tensor& a, const Tensor& b) { return a.part < b.part; });
    return std::move(tensors_);
  }

 private:
  std::vector<Tensor> tensors_;
};

void add_states(const LayerSetup& setup, Collector& all) {
  const LayerStates states = layer_states(setup);
  all.add("expert weights", Part::expert_weights, states.experts.weights);
  all.add("router and shared weights", Part::other_weights, states.others.weights);
  all.add("gradients", Part::gradients, states.experts.gradients + states.others.gradients);
  all.add("optimizer states", Part::optimizer, states.experts.optimizer + states.others.optimizer);
}

std::int64_t token_tensor_bytes(const LayerSetup& setup) {
  const LayerConfig& config = setup.config();
  return setup.tokens() * config.hidden_dim * static_cast<std::int64_t>(size_of(config.dtype));
}

void add_token_tensors(const LayerSetup& setup, Phase phase, Collector& all) {
  const std::int64_t bytes = token_tensor_bytes(setup);
  all.add("x", phase == Phase::inference ? Part::in_out : Part::saved, bytes);
  if (phase == Phase::backward) {
    all.add("d_out", Part::in_out, bytes);
    all.add("d_x", Part::in_out, bytes);
  } else {
    all.add("out", Part::in_out, bytes);
  }
}

}  // namespace

std::string_view name_of(Part part) {
  constexpr std::array<std::string_view, kNumParts> names{"expert weights",
                                                          "router and shared weights",
                                                          "gradients",
                                                          "optimizer states",
                                                          "saved",
                                                          "routing",
                                                          "out, d_out, d_x",
                                                          "workspace",
                                                          "GEMM library scratch",
                                                          "reserved, idle",
                                                          "communication"};
  return names[static_cast<std::size_t>(part)];
}

bool is_routing_buffer(std::string_view name) {
  return std::find(kRoutingBuffers.begin(), kRoutingBuffers.end(), name) != kRoutingBuffers.end();
}

std::int64_t Composition::of(Part part) const {
  std::int64_t bytes = 0;
  for (const Tensor& tensor : tensors) bytes += tensor.part == part ? tensor.bytes : 0;
  return bytes;
}

std::int64_t Composition::total() const {
  std::int64_t bytes = 0;
  for (const Tensor& tensor : tensors) bytes += tensor.bytes;
  return bytes;
}

LayerStates layer_states(const LayerSetup& setup) {
  const LayerConfig& config = setup.config();
  const std::int64_t ranks = setup.expert_ranks;
  const std::int64_t here = (config.num_experts + ranks - 1) / ranks;
  StateRules rules = setup.states;
  if (!setup.plan.request.training) {
    rules.optimizer = Optimizer::none;
    rules.gradients = false;
  }
  const std::int64_t others =
      layer_parameters(config) - expert_parameters(config, config.num_experts);
  LayerStates states;
  states.experts = training_state(expert_parameters(config, here), config.dtype, rules);
  states.others = training_state(others, config.dtype, rules);
  if (config.gate.selection_bias) {
    states.others.weights += config.num_experts * static_cast<std::int64_t>(sizeof(float));
  }
  return states;
}

Composition composition(const LayerSetup& setup, Phase phase) {
  const Plan& plan = setup.plan;
  if (plan.request.training == (phase == Phase::inference)) {
    throw Error(ErrorKind::internal, "the plan has no phase '" + std::string(name_of(phase)) + "'");
  }
  const StepRange range = steps_of(plan, phase);
  const int fullest = fullest_step(plan, range);
  Collector all;
  add_states(setup, all);
  add_token_tensors(setup, phase, all);
  std::int64_t saved = 0;
  for (const Buffer& buffer : plan.buffers) {
    if (buffer.region == Region::saved) {
      all.add(buffer.name, part_of(buffer), setup.calls * size_of_buffer(buffer));
      saved += size_of_buffer(buffer);
    } else if (in_workspace(buffer, {fullest, fullest})) {
      all.add(buffer.name, part_of(buffer), size_of_buffer(buffer));
    }
  }
  const std::int64_t padding = static_cast<std::int64_t>(plan.saved_bytes) - saved;
  all.add("reserved, idle", Part::gaps,
          setup.calls * padding + region_bytes(plan, range) - live_bytes(plan, fullest));
  all.add("communication", Part::communication, setup.communication_bytes);
  return {phase, step_at(plan, fullest).name, all.finish()};
}

Composition peak(const LayerSetup& setup) {
  if (!setup.plan.request.training) return composition(setup, Phase::inference);
  Composition forward = composition(setup, Phase::forward);
  Composition backward = composition(setup, Phase::backward);
  return forward.total() > backward.total() ? forward : backward;
}

std::int64_t held_bytes(const LayerSetup& setup) {
  std::int64_t routing = 0, tensors = 0;
  for (const Buffer& buffer : setup.plan.buffers) {
    if (buffer.region != Region::saved) continue;
    (part_of(buffer) == Part::routing ? routing : tensors) += setup.calls * size_of_buffer(buffer);
  }
  switch (setup.held) {
    case Held::saved: return token_tensor_bytes(setup) + routing + tensors;
    case Held::input: return token_tensor_bytes(setup) + routing;
    case Held::nothing: return routing;
  }
  return 0;
}

}  // namespace moe::model
