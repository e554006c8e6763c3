// Tables with one line per variant: phases, measurements, fits.
#include <fmt/format.h>

#include <algorithm>

#include "report/memory/memory_facts.h"
#include "report/memory/memory_report.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

using record::MemoryFit;
using record::MemoryPhase;
using record::MemoryRow;
using record::MemoryRun;

std::string bytes_text(std::int64_t bytes) {
  return format_bytes(static_cast<double>(bytes));
}

/// What the plan lent of one region at the peak of a phase: saved tensors and routing but X.
std::int64_t predicted_saved(const MemoryRow& row, const MemoryRun& run) {
  const std::int64_t x = run.model.tokens() * run.model.layer.hidden_dim *
                         static_cast<std::int64_t>(size_of(run.model.layer.dtype));
  return row.held_bytes - x;
}

std::string gap_text(std::int64_t measured, std::int64_t predicted) {
  const double share = static_cast<double>(measured - predicted) / static_cast<double>(predicted);
  return fmt::format("{:+.1f} %", 100 * share);
}

std::string limit_text(const MemoryFit& fit) {
  if (fit.limit_tensor == "states") return "states alone: " + bytes_text(fit.limit_tensor_bytes);
  return fmt::format("{} {}, largest {} {}", fit.limit_phase, fit.limit_step, fit.limit_tensor,
                     bytes_text(fit.limit_tensor_bytes));
}

std::string bounds_lines(const MemoryRun& run) {
  std::string text;
  for (const MemoryRow& row : run.rows) {
    if (!row.rows) continue;
    const record::MemoryRowBounds& rows = *row.rows;
    text += fmt::format("{}: {} to {} rows by the configuration, saved {} to {}", row.variant,
                        format_integer(rows.least_rows), format_integer(rows.most_rows),
                        bytes_text(rows.least_held_bytes), bytes_text(rows.most_held_bytes));
    if (rows.exact_rows) {
      text += fmt::format("; {} rows and {} with this routing", format_integer(*rows.exact_rows),
                          bytes_text(*rows.exact_held_bytes));
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string phases_text(const MemoryRun& run) {
  TextTable table{{"variant", "phase", "peak", "in step", "device memory traffic", "FLOP"},
                  {Align::left, Align::left, Align::right, Align::left, Align::right, Align::right},
                  {}};
  for (const MemoryRow& row : run.rows) {
    for (const MemoryPhase& phase : row.phases) {
      table.rows.push_back({row.variant, phase.phase, bytes_text(phase.total_bytes), phase.step,
                            format_moved(phase.device_memory_bytes), format_flops(phase.flops)});
    }
  }
  return to_text(table) +
         "traffic: each operand of each step once, predicted; --steps has every step\n";
}

std::string measured_text(const MemoryRun& run) {
  TextTable table{{"measured", "saved", "of", "gap", "workspace", "device", "asked", "outside"},
                  {Align::left, Align::right, Align::right, Align::right, Align::right,
                   Align::right, Align::right, Align::right},
                  {}};
  std::string remarks;
  for (const MemoryRow& row : run.rows) {
    if (!row.measured) {
      if (!row.not_measured.empty()) remarks += row.variant + ": " + row.not_measured + "\n";
      continue;
    }
    const record::MemoryReading& reading = *row.measured;
    const std::int64_t saved = predicted_saved(row, run);
    table.rows.push_back({row.variant, bytes_text(reading.saved_bytes), bytes_text(saved),
                          gap_text(reading.saved_bytes, saved), bytes_text(reading.workspace_bytes),
                          bytes_text(reading.device_bytes), bytes_text(reading.allocated_bytes),
                          bytes_text(reading.device_bytes - reading.allocated_bytes)});
  }
  std::string text;
  if (!table.rows.empty()) {
    text = to_text(table) +
           "saved, workspace: up to the highest byte that one pass wrote. device: what the pass "
           "took from the device,\nasked: what this program asked for; outside: library handles, "
           "allocation granules\n";
  }
  return text + remarks + bounds_lines(run);
}

std::string fits_text(const MemoryRun& run) {
  TextTable table{{"fits?", "scope", "largest T", "batch", "needs", "what is next"},
                  {Align::left, Align::left, Align::right, Align::right, Align::right, Align::left},
                  {}};
  for (const MemoryRow& row : run.rows) {
    for (const MemoryFit& fit : row.fits) {
      table.rows.push_back({row.variant, fit.scope, format_integer(fit.tokens),
                            fmt::format("{} x {}", fit.sequences, run.model.seq_len),
                            bytes_text(fit.bytes), limit_text(fit)});
    }
  }
  return to_text(table) + fmt::format("in {}. pass: without optimizer states; step: with them\n",
                                      bytes_text(run.capacity_bytes));
}

}  // namespace moe::report
