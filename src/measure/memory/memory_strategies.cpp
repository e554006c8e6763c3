// Each strategy before and after, predicted from plans and, where a layer runs them, measured.
#include "measure/memory/memory_strategies.h"

#include <algorithm>
#include <utility>

#include "measure/problem/memory_need.h"

namespace moe::measure {
namespace {

using model::Changed;
using model::LayerSetup;
using model::Strategy;

constexpr const char* kTogether = "all of these";

model::StrategyContext context_of(const MemoryTarget& target) {
  return {
      [&target](std::string_view variant, const Request& request) {
        return choose_variant(target, std::string(variant)).variant->plan(request, target.traits);
      },
      target.traits.alignment, target.rates};
}

void set_price(const model::Price& price, record::MemoryStrategy& record) {
  record.flops = price.flops;
  record.memory_bytes = price.memory_bytes;
  record.link_bytes = price.link_bytes;
  record.host_bytes = price.host_bytes;
  record.seconds = price.seconds;
}

void set_bytes(const LayerSetup& before, const LayerSetup& after, record::MemoryStrategy& record) {
  record.held_before = held_bytes(before);
  record.held_after = held_bytes(after);
  record.peak_before = peak(before).total();
  record.peak_after = peak(after).total();
}

record::MemoryStrategy strategy_record(const Strategy& strategy, const std::string& label,
                                       const LayerSetup& setup, const Changed& changed) {
  record::MemoryStrategy record{.strategy = to_string(strategy),
                                .variant = label,
                                .basis = "modelled",
                                .not_applicable = changed.not_applicable,
                                .remark = changed.remark};
  if (!changed.not_applicable.empty()) return record;
  set_bytes(changed.without ? *changed.without : setup, changed.setup, record);
  set_price(changed.price, record);
  return record;
}

/// One after the other, in the order of their kinds; those that do not apply are left out.
record::MemoryStrategy together(std::vector<Strategy> strategies, const std::string& label,
                                const LayerSetup& setup, const model::StrategyContext& context) {
  std::stable_sort(strategies.begin(), strategies.end(),
                   [](const Strategy& a, const Strategy& b) { return a.kind < b.kind; });
  record::MemoryStrategy record{.strategy = kTogether, .variant = label, .basis = "modelled"};
  std::string variant = label;
  LayerSetup now = setup;
  model::Price sum;
  for (const Strategy& strategy : strategies) {
    const Changed next = apply(strategy, variant, now, context);
    if (!next.not_applicable.empty()) continue;
    now = next.setup;
    variant = next.variant;
    sum.flops += next.price.flops;
    sum.memory_bytes += next.price.memory_bytes;
    sum.link_bytes += next.price.link_bytes;
    sum.host_bytes += next.price.host_bytes;
    sum.seconds += next.price.seconds;
    record.remark += (record.remark.empty() ? "" : ", ") + to_string(strategy);
  }
  set_bytes(setup, now, record);
  set_price(sum, record);
  return record;
}

std::vector<std::string> unrounded(const std::vector<std::string>& labels) {
  std::vector<std::string> plain;
  for (const std::string& label : labels) {
    if (label.find('+') == std::string::npos) plain.push_back(label);
  }
  return plain;
}

/// Regions of a layer cut into calls: each call's saved region, and one workspace.
std::int64_t arena_bytes(const record::MemoryReading& reading, std::int64_t calls) {
  return calls * reading.saved_bytes + reading.workspace_bytes;
}

void measure_one(MemoryMeter& meter, const MemoryTarget& target, const LayerSetup& before,
                 const std::string& label, const Changed& changed, record::MemoryStrategy& record) {
  const LayerSetup& without = changed.without ? *changed.without : before;
  const auto first = meter.read(choose_variant(target, label), without.plan);
  const auto second = meter.read(choose_variant(target, changed.variant), changed.setup.plan);
  record.basis = "measured";
  record.measured_before = arena_bytes(first, without.calls);
  record.measured_after = arena_bytes(second, changed.setup.calls);
  record.measured_seconds =
      static_cast<double>(changed.setup.calls) * second.seconds - first.seconds;
}

}  // namespace

void predict_strategies(const MemoryTarget& target, const MemoryRequest& request,
                        record::MemoryRun& run) {
  if (!request.training) return;
  const model::StrategyContext context = context_of(target);
  for (const std::string& label : unrounded(request.variants)) {
    const LayerSetup setup = layer_setup(target, request, label, request.model.tokens());
    for (const Strategy& strategy : request.strategies) {
      run.strategies.push_back(
          strategy_record(strategy, label, setup, apply(strategy, label, setup, context)));
    }
    if (request.strategies.size() > 1) {
      run.strategies.push_back(together(request.strategies, label, setup, context));
    }
  }
}

bool measure_strategies(MemoryMeter& meter, const MemoryTarget& target,
                        const MemoryRequest& request, const Deadline& deadline,
                        const MemoryEvents& events, record::MemoryRun& run) {
  const model::StrategyContext context = context_of(target);
  for (record::MemoryStrategy& record : run.strategies) {
    if (record.strategy == kTogether || !record.not_applicable.empty()) continue;
    const LayerSetup setup = layer_setup(target, request, record.variant, request.model.tokens());
    const Changed changed =
        apply(model::parse_strategy(record.strategy), record.variant, setup, context);
    if (!changed.implemented || !deadline.allows(2)) continue;
    if (events.interrupted()) return false;
    events.status("measuring " + record.strategy + " on " + record.variant);
    measure_one(meter, target, setup, record.variant, changed, record);
  }
  return true;
}

}  // namespace moe::measure
