// Readings of every row, then of strategies.
#include "measure/memory/memory_analysis.h"
#include "measure/memory/memory_strategies.h"
#include "measure/problem/memory_need.h"
#include "moe/error.h"

namespace moe::measure {
namespace {

void add_exact_rows(const MemoryTarget& target, const MemoryRequest& request,
                    record::MemoryRow& row) {
  if (!row.rows) return;
  const VariantChoice choice = choose_variant(target, row.variant);
  Request own =
      make_request(choice.config(request.model.layer), request.model.tokens(), request.training);
  own.max_rows = row.measured->executed_pairs;
  row.rows->exact_rows = own.max_rows;
  row.rows->exact_held_bytes =
      model::held_bytes({.plan = choice.variant->plan(own, target.traits)});
}

}  // namespace

bool measure_memory(Device& device, const MemoryTarget& target, const MemoryRequest& request,
                    const MemoryEvents& events, record::MemoryRun& run) {
  events.status("making seeded tensors");
  MemoryMeter meter(device, request.model.layer, request.model.tokens(), request.traffic,
                    request.seed);
  const Deadline deadline(request.max_time_s,
                          measuring_effort(target, request).flops / target.rates.flops);
  std::size_t done = 0;
  for (record::MemoryRow& row : run.rows) {
    if (events.interrupted()) return false;
    events.status("[" + std::to_string(++done) + "/" + std::to_string(run.rows.size()) + "] " +
                  row.variant + ": one metered pass");
    const model::LayerSetup setup =
        layer_setup(target, request, row.variant, request.model.tokens());
    const VariantChoice choice = choose_variant(target, row.variant);
    if (const auto reason = choice.variant->unsupported(setup.plan.request, device.traits())) {
      row.not_measured = *reason;
      continue;
    }
    row.not_measured = deadline.allows(1) ? "" : "not measured: --max-time is over";
    if (!row.not_measured.empty()) continue;
    row.measured = meter.read(choice, setup.plan);
    add_exact_rows(target, request, row);
  }
  return measure_strategies(meter, target, request, deadline, events, run);
}

}  // namespace moe::measure
