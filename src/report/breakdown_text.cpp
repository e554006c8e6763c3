// Breakdown tables.
#include "report/breakdown_text.h"

#include <fmt/format.h>

#include "report/format.h"
#include "report/row_facts.h"
#include "report/table.h"

namespace moe::report {
namespace {

using record::Breakdown;
using record::StepTime;

/// In tera per second.
std::string rate(double amount, double seconds, int decimals) {
  if (amount <= 0 || seconds <= 0) return "-";
  return fmt::format("{:.{}f}", 1e-12 * amount / seconds, decimals);
}

/// Above 100 % the step moved less than the plan's fewest bytes: they came from a cache.
std::string floor_share(const StepTime& step) {
  if (step.floor_s <= 0 || step.median_s <= 0) return "-";
  return fmt::format("{:.0f}", 100 * step.floor_s / step.median_s);
}

TextTable steps_table(const Breakdown& breakdown) {
  TextTable table;
  table.header = {"step", "ms", "TFLOP/s", "TB/s", "% floor"};
  table.alignment = {Align::left, Align::right, Align::right, Align::right, Align::right};
  double sum_s = 0;
  for (const StepTime& step : breakdown.steps) {
    sum_s += step.median_s;
    table.rows.push_back({step.step, fmt::format("{:.3f}", 1e3 * step.median_s),
                          rate(step.flops, step.median_s, 1), rate(step.bytes, step.median_s, 2),
                          floor_share(step)});
  }
  table.rows.push_back({"sum", fmt::format("{:.3f}", 1e3 * sum_s), "", "", ""});
  return table;
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
    text += "host: " + format_time(breakdown.forward_host_s) + " to issue forward";
    if (breakdown.backward_host_s)
      text += ", " + format_time(*breakdown.backward_host_s) + " backward";
    text += "\n";
  }
  return text;
}

}  // namespace moe::report
