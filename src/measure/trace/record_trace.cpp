// The router alone: experts do not reach it, so they are cut down to almost nothing.
#include "measure/trace/record_trace.h"

#include <string>

#include "measure/problem/memory_need.h"
#include "measure/problem/problem.h"
#include "measure/run/trial.h"
#include "moe/error.h"
#include "moe/registry.h"

namespace moe::measure {
namespace {

/// The same router before the smallest experts that every backend takes.
LayerConfig with_tiny_experts(LayerConfig config) {
  config.ffn_dim = 8;
  config.activation = Activation::swiglu;
  config.shared = {};
  config.rounding.rule = RoundingRule::none;
  return config;
}

std::string origin_of(const Device& device, const RecordRequest& request) {
  return "recorded: " + request.model.name + ", " + routing::to_string(request.traffic) +
         ", seed " + std::to_string(request.seed) + ", " + name_of(device.id().kind) + " " +
         device.traits().name;
}

}  // namespace

routing::Trace record_trace(Device& device, const RecordRequest& request,
                            const std::function<void(std::int64_t layer)>& before_layer) {
  if (request.traffic.kind == routing::TrafficKind::trace) {
    throw Error(ErrorKind::usage, "--routing " + routing::to_string(request.traffic),
                "a trace is recorded already", "record natural, balanced, zipf:S or hot:N");
  }
  const LayerConfig config = with_tiny_experts(request.model.layer);
  const std::int64_t tokens = request.model.tokens();
  const Request wanted = make_request(config, tokens, false);
  const Variant& variant = *variants(device.id().kind).front();
  if (const auto reason = variant.unsupported(wanted, device.traits())) {
    throw Error(ErrorKind::device, "cannot record " + request.model.name, *reason);
  }
  const Plan plan = variant.plan(wanted, device.traits());
  Workbench workbench(device, config, tokens, wanted.max_rows, false,
                      plan.saved_bytes + plan.workspace_bytes);
  routing::Trace trace{.tokens = tokens,
                       .num_experts = config.num_experts,
                       .top_k = config.top_k,
                       .origin = origin_of(device, request)};
  for (std::int64_t layer = 0; layer < request.num_layers; ++layer) {
    before_layer(layer);
    const std::uint64_t seed = request.seed + static_cast<std::uint64_t>(layer);
    const Problem problem(device, config, tokens, request.traffic, seed);
    Trial trial(device, {std::string(variant.name()), &variant}, plan, problem, workbench);
    HostResult result = trial.run_for_check();
    if (!request.with_logits) result.logits.clear();
    trace.layers.push_back({std::move(result.chosen_experts), std::move(result.chosen_scores),
                            std::move(result.logits)});
  }
  return trace;
}

}  // namespace moe::measure
