// Steps of the plans: what each computes and moves at least, and the profiler that counts it.
#include <fmt/format.h>

#include <cmath>

#include "report/memory/memory_report.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

using record::MemoryPhase;
using record::MemoryRow;
using record::MemoryRun;
using record::MemoryStep;

template <class Visit>
void for_each_step(const MemoryRun& run, const Visit& visit) {
  for (const MemoryRow& row : run.rows) {
    for (const MemoryPhase& phase : row.phases) {
      for (const MemoryStep& step : phase.steps) visit(row, phase, step);
    }
  }
}

/// Ranges are NVTX's, one per phase and step; collection begins with the pass.
constexpr const char* kCheck =
    "all predicted. Where a GPU and ncu are, this counts the bytes of one variant, a table per "
    "step:\n"
    "  ncu --profile-from-start off --nvtx --print-summary per-nvtx \\\n"
    "    --metrics dram__bytes_read.sum,dram__bytes_write.sum \\\n"
    "    memory_analysis --config {} --device cuda --variants {} --profile\n";

}  // namespace

std::string steps_text(const MemoryRun& run) {
  TextTable table{
      {"variant", "phase", "step", "device memory traffic", "of phase", "FLOP", "FLOP/B"},
      {Align::left, Align::left, Align::left, Align::right, Align::right, Align::right,
       Align::right},
      {}};
  for_each_step(run, [&](const MemoryRow& row, const MemoryPhase& phase, const MemoryStep& step) {
    const double bytes = step.device_memory_bytes;
    table.rows.push_back(
        {row.variant, phase.phase, step.name, format_moved(bytes),
         format_percent(bytes / phase.device_memory_bytes),
         step.flops == 0 ? "-" : format_flops(step.flops),
         step.flops == 0 ? "-" : format_integer(std::llround(step.flops / bytes))});
  });
  if (table.rows.empty()) return "this run was saved without its steps\n";
  return to_text(table) +
         fmt::format(fmt::runtime(kCheck), run.model.name, run.rows.back().variant);
}

std::string steps_csv(const MemoryRun& run) {
  TextTable table{{"variant", "phase", "step", "flops", "device_memory_bytes"}, {}, {}};
  table.alignment.assign(table.header.size(), Align::left);
  for_each_step(run, [&](const MemoryRow& row, const MemoryPhase& phase, const MemoryStep& step) {
    table.rows.push_back({row.variant, phase.phase, step.name, fmt::format("{:.17g}", step.flops),
                          fmt::format("{:.17g}", step.device_memory_bytes)});
  });
  return to_csv(table);
}

}  // namespace moe::report
