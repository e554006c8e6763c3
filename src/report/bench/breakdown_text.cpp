// Breakdown tables.
#include "report/bench/breakdown_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/bench/row_facts.h"
#include "report/text/format.h"
#include "report/text/table.h"

namespace moe::report {
namespace {

using record::Breakdown;
using record::StepTime;

/// Tera per second from a GPU, giga from slower machines.
struct Unit {
  double factor;
  const char *flops, *bytes;
};

Unit unit_of(const Breakdown& breakdown) {
  double largest = 0;
  for (const StepTime& step : breakdown.steps)
    largest = std::max(largest, step.median_s > 0 ? step.flops / step.median_s : 0);
  return largest < 1e12 ? Unit{1e-9, "GFLOP/s", "GB/s"} : Unit{1e-12, "TFLOP/s", "TB/s"};
}

std::string rate(double amount, double seconds, const Unit& unit, int decimals) {
  if (amount <= 0 || seconds <= 0) return "-";
  return fmt::format("{:.{}f}", unit.factor * amount / seconds, decimals);
}

/// Above 100 % the step moved less than the plan's fewest bytes: they came from a cache.
std::string floor_share(const StepTime& step) {
  if (step.floor_s <= 0 || step.median_s <= 0) return "-";
  return fmt::format("{:.0f}", 100 * step.floor_s / step.median_s);
}

TextTable steps_table(const Breakdown& breakdown) {
  TextTable table;
  const Unit unit = unit_of(breakdown);
  table.header = {"step", "ms", unit.flops, unit.bytes, "% floor"};
  table.alignment = {Align::left, Align::right, Align::right, Align::right, Align::right};
  double sum_s = 0;
  for (const StepTime& step : breakdown.steps) {
    sum_s += step.median_s;
    table.rows.push_back({step.step, fmt::format("{:.3f}", 1e3 * step.median_s),
                          rate(step.flops, step.median_s, unit, 1),
                          rate(step.bytes, step.median_s, unit, 2), floor_share(step)});
  }
  table.rows.push_back({"sum", fmt::format("{:.3f}", 1e3 * sum_s), "", "", ""});
  return table;
}

/// "host: 90 us to issue forward, 120 us backward; as graphs 9 us, 11 us"
std::string host_text(const Breakdown& breakdown) {
  std::string text = "host: " + format_time(breakdown.forward_host_s) + " to issue forward";
  if (breakdown.backward_host_s)
    text += ", " + format_time(*breakdown.backward_host_s) + " backward";
  if (breakdown.forward_graph_host_s)
    text += "; as graphs " + format_time(*breakdown.forward_graph_host_s);
  if (breakdown.backward_graph_host_s) text += ", " + format_time(*breakdown.backward_graph_host_s);
  return text;
}

}  // namespace

std::string breakdown_text(const record::Run& run) {
  std::string text;
  for (const record::Row* row : measured_rows(run)) {
    if (!row->breakdown) continue;
    const Breakdown& breakdown = *row->breakdown;
    text +=
        fmt::format("\n{}, step by step (% floor: the least time at this run's ceilings / ms)\n{}",
                    row->variant, to_text(steps_table(breakdown)));
    text += host_text(breakdown) + "\n";
  }
  return text;
}

}  // namespace moe::report
