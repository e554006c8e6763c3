// What strategies save and cost, and the published figure.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "model/published/published_memory.h"
#include "report/memory/memory_report.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

using record::MemoryRun;
using record::MemoryStrategy;

constexpr std::int64_t kMiB = 1 << 20;
constexpr double kGiB = 1024.0 * kMiB;

/// "-412 MiB", "+0.0 MiB"
std::string change_text(std::int64_t before, std::int64_t after) {
  const std::int64_t change = after - before;
  if (std::abs(change) < kMiB / 20) return "0";  // padding
  return (change < 0 ? "-" : "+") + format_bytes(std::abs(static_cast<double>(change)));
}

std::string flops_text(double flops) {
  return flops == 0 ? "0" : "+" + format_flops(flops);
}

std::string moved_text(const MemoryStrategy& strategy) {
  std::string text;
  const auto add = [&](double bytes, const char* where) {
    if (bytes == 0) return;
    text += fmt::format("{}{:+.3g} GB{}", text.empty() ? "" : ", ", bytes / 1e9, where);
  };
  add(strategy.memory_bytes, "");
  add(strategy.link_bytes, " link");
  add(strategy.host_bytes, " host");
  return text.empty() ? "0" : text;
}

std::string seconds_text(double seconds) {
  if (seconds == 0) return "0";
  return (seconds < 0 ? "-" : "+") + format_time(std::abs(seconds));
}

/// "measured: arena -66 MiB, +0.12 s" behind the modelled figures.
std::string basis_text(const MemoryStrategy& strategy) {
  if (!strategy.measured_after) return strategy.basis;
  return fmt::format("measured: {}, {}",
                     change_text(*strategy.measured_before, *strategy.measured_after),
                     seconds_text(*strategy.measured_seconds));
}

/// Each remark once, with the variants where a strategy has several.
std::string remarks_text(const MemoryRun& run) {
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> remarks;
  std::vector<std::string> order;
  for (const MemoryStrategy& strategy : run.strategies) {
    const bool is_sum = strategy.strategy.find(' ') != std::string::npos;
    if (is_sum || !strategy.not_applicable.empty()) continue;
    auto& known = remarks[strategy.strategy];
    if (known.empty()) order.push_back(strategy.strategy);
    const auto same = std::find_if(known.begin(), known.end(),
                                   [&](const auto& each) { return each.first == strategy.remark; });
    if (same == known.end()) {
      known.emplace_back(strategy.remark, strategy.variant);
    } else {
      same->second += ", " + strategy.variant;
    }
  }
  std::string text;
  for (const std::string& name : order) {
    for (const auto& [remark, variants] : remarks[name]) {
      text += name + (remarks[name].size() > 1 ? " (" + variants + ")" : "") + ": " + remark + "\n";
    }
  }
  return text;
}

}  // namespace

std::string strategies_text(const MemoryRun& run) {
  if (run.strategies.empty()) return "";
  TextTable table{{"strategy", "variant", "held", "peak", "FLOP", "moved", "time", "basis"},
                  {Align::left, Align::left, Align::right, Align::right, Align::right, Align::right,
                   Align::right, Align::left},
                  {}};
  for (const MemoryStrategy& strategy : run.strategies) {
    if (!strategy.not_applicable.empty()) {
      table.rows.push_back({strategy.strategy, strategy.variant, "no: " + strategy.not_applicable});
      continue;
    }
    table.rows.push_back({strategy.strategy, strategy.variant,
                          change_text(strategy.held_before, strategy.held_after),
                          change_text(strategy.peak_before, strategy.peak_after),
                          flops_text(strategy.flops), moved_text(strategy),
                          seconds_text(strategy.seconds), basis_text(strategy)});
  }
  return to_text(table) + remarks_text(run) +
         fmt::format(
             "held: between the passes, per layer. held, peak: from plans. FLOP, moved, time: "
             "modelled, added to one\nforward and backward, at {} and {}, nothing overlapped. "
             "measured: arena and one pass (n=1)\n",
             format_flops_rate(run.flops_per_s), format_byte_rate(run.bytes_per_s));
}

std::string published_memory_text(const std::vector<ModelConfig>& shapes) {
  TextTable table{{"shape", "implementation", "published", "formula", "", "of it weights",
                   "activations", "what is in it"},
                  {Align::left, Align::left, Align::right, Align::right, Align::left, Align::right,
                   Align::right, Align::left},
                  {}};
  int agree = 0;
  for (const model::PublishedMemory& bar : model::published_memory()) {
    for (const ModelConfig& shape : shapes) {
      if (shape.name != bar.preset) continue;
      const model::PublishedParts parts =
          model::published_formula(bar.implementation, shape.layer, shape.tokens());
      const double formula = static_cast<double>(parts.total()) / kGiB;
      const bool agrees = std::abs(formula - bar.gib) <= bar.reading_error_gib;
      agree += agrees ? 1 : 0;
      table.rows.push_back({std::string(bar.preset), std::string(bar.implementation),
                            fmt::format("{:.2f} +-{:.3f}", bar.gib, bar.reading_error_gib),
                            fmt::format("{:.3f}", formula), agrees ? "agrees" : "DIFFERS",
                            fmt::format("{:.3f}", static_cast<double>(parts.weights) / kGiB),
                            fmt::format("{:.3f}", static_cast<double>(parts.activations()) / kGiB),
                            std::string(model::published_contents(bar.implementation))});
    }
  }
  return fmt::format("# {}\n# all in GiB; formulas of this project, docs/measurement.md\n",
                     model::kPublishedMemorySource) +
         to_text(table) +
         fmt::format(
             "{} of {} bars agree within the reading error. All contain the layer's three expert "
             "matrices,\nwhich no implementation can save: compare the column `activations`\n",
             agree, table.rows.size());
}

}  // namespace moe::report
