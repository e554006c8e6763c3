// Passes with a clock at every step.
#include "measure/run/breakdown.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "measure/run/probes.h"
#include "measure/run/statistics.h"
#include "measure/run/turn.h"

namespace moe::measure {
namespace {

constexpr int kPasses = 5;

/// Seconds that the host spends in `call`, with an idle device before it.
template <class Function>
double host_seconds(Device& device, Function&& call) {
  device.synchronize();
  const auto begin = std::chrono::steady_clock::now();
  call();
  const auto end = std::chrono::steady_clock::now();
  device.synchronize();
  return std::chrono::duration<double>(end - begin).count();
}

/// The least time that the ceilings allow; 0 = unknown.
double floor_seconds(const Step& step, const Ceilings& ceilings) {
  if (ceilings.gemm_flops_per_s <= 0 || ceilings.copy_bytes_per_s <= 0) return 0;
  return std::max(step.flops / ceilings.gemm_flops_per_s, step.bytes / ceilings.copy_bytes_per_s);
}

void add_steps(const std::vector<Step>& steps, const char* phase, std::vector<StepTimer>& passes,
               const Ceilings& ceilings, record::Breakdown& breakdown) {
  for (const Step& step : steps) {
    std::vector<double> seconds;
    for (StepTimer& pass : passes) seconds.push_back(pass.seconds(step.name));
    if (quantile(seconds, 1) == 0) continue;  // the variant does it inside another step
    breakdown.steps.push_back({.phase = phase,
                               .step = step.name,
                               .median_s = quantile(seconds, 0.5),
                               .flops = step.flops,
                               .bytes = step.bytes,
                               .floor_s = floor_seconds(step, ceilings)});
  }
}

void measure_host(Device& device, Trial& trial, record::Breakdown& breakdown) {
  const bool training = trial.plan().request.training;
  std::vector<double> forward_s, backward_s, forward_graph_s, backward_graph_s;
  for (int i = 0; i < kPasses; ++i) {
    forward_s.push_back(host_seconds(device, [&] { trial.forward(nullptr); }));
    if (training) backward_s.push_back(host_seconds(device, [&] { trial.backward(nullptr); }));
    if (!trial.has_graphs()) continue;
    forward_graph_s.push_back(host_seconds(device, [&] { trial.replay_forward(); }));
    if (training)
      backward_graph_s.push_back(host_seconds(device, [&] { trial.replay_backward(); }));
  }
  const auto median = [](const std::vector<double>& seconds) {
    return seconds.empty() ? std::nullopt : std::optional(quantile(seconds, 0.5));
  };
  breakdown.forward_host_s = *median(forward_s);
  breakdown.backward_host_s = median(backward_s);
  breakdown.forward_graph_host_s = median(forward_graph_s);
  breakdown.backward_graph_host_s = median(backward_graph_s);
}

}  // namespace

record::Breakdown measure_breakdown(Device& device, Trial& trial, const Ceilings& ceilings) {
  record::Breakdown breakdown;
  measure_host(device, trial, breakdown);
  trial.settle(turn_pace(device).settle_s);
  std::vector<StepTimer> passes;
  for (int i = 0; i < kPasses; ++i) {
    StepTimer& timer = passes.emplace_back(device);
    trial.forward(nullptr);  // lets the host get ahead, or the first step would wait for it
    trial.forward(&timer);
    if (trial.plan().request.training) trial.backward(&timer);
    device.synchronize();
  }
  add_steps(trial.plan().forward, "forward", passes, ceilings, breakdown);
  add_steps(trial.plan().backward, "backward", passes, ceilings, breakdown);
  return breakdown;
}

}  // namespace moe::measure
