// Header, checks and the saved forms of a run.
#include "report/bench/bench_report.h"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "record/sweep.h"
#include "report/bench/breakdown_text.h"
#include "report/bench/row_facts.h"
#include "report/bench/sweep_report.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

using record::Check;
using record::Environment;
using record::Row;
using record::Run;
using record::Timing;

std::string join(const std::vector<std::string>& parts, const std::string& between) {
  std::string text;
  for (const std::string& part : parts) {
    if (!part.empty()) text += (text.empty() ? "" : between) + part;
  }
  return text;
}

std::string program_line(const Run& run) {
  const Environment& environment = run.environment;
  const std::string build =
      join({"git " + commit_text(environment), environment.build_type, environment.compiler}, ", ");
  return fmt::format("{} {} ({})   run {}", run.program, environment.version, build, run.id);
}

std::string device_line(const Run& run) {
  const Environment& environment = run.environment;
  const std::string threads = environment.device_kind == "cpu" ? "threads" : "SM";
  return join(
      {environment.device_kind + " " + environment.device_name,
       fmt::format("{} {}", environment.num_cores, threads),
       environment.memory_bytes > 0 ? format_bytes(static_cast<double>(environment.memory_bytes))
                                    : "",
       environment.gemm_library},
      " | ");
}

std::string ceiling_line(const Run& run) {
  if (run.gemm_ceiling_flops_per_s <= 0) return "not measured";
  std::string text =
      fmt::format("{} {} in one large GEMM", format_flops_rate(run.gemm_ceiling_flops_per_s),
                  name_of(run.model.layer.dtype));
  if (run.copy_ceiling_bytes_per_s > 0) {
    text += ", " + format_byte_rate(run.copy_ceiling_bytes_per_s) + " in a large copy";
  }
  return text + " (measured by this run)";
}

std::string shape_line(const Run& run) {
  std::string text = shape_text(run);
  if (!run.model.name.empty()) text = run.model.name + ": " + text;
  if (run.ep_rank) return text + " | " + ep_rank_text(*run.ep_rank);
  return text + fmt::format(" | gate {}", name_of(run.model.layer.gate.kind));
}

std::string routing_line(const Run& run) {
  std::string text = fmt::format("{}, seed {}", run.traffic, run.seed);
  if (run.flops_per_pass > 0) {
    text += fmt::format(" | {} {}", format_flops(run.flops_per_pass), mode_in_words(run));
  }
  return text;
}

std::string memory_line(const Estimate& estimate) {
  std::string text = "needs " + format_bytes(static_cast<double>(estimate.needed_bytes));
  if (estimate.free_bytes > 0) {
    text += " of " + format_bytes(static_cast<double>(estimate.free_bytes)) + " free";
  }
  if (estimate.seconds > 0) {
    text += estimate.seconds < 120
                ? fmt::format(" | about {:.0f} s to go", std::ceil(estimate.seconds))
                : fmt::format(" | about {:.0f} min to go", std::ceil(estimate.seconds / 60));
  }
  return text;
}

std::string number_or_empty(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : "";
}

void add_timing_cells(std::vector<std::string>& cells, const std::optional<Timing>& timing) {
  cells.push_back(timing ? fmt::format("{}", timing->median_s) : "");
  cells.push_back(timing ? fmt::format("{}", timing->q1_s) : "");
  cells.push_back(timing ? fmt::format("{}", timing->q3_s) : "");
}

void add_phase_cells(std::vector<std::string>& cells, const std::optional<record::Phases>& phases) {
  cells.push_back(phases ? fmt::format("{}", phases->forward) : "");
  cells.push_back(phases ? number_or_empty(phases->backward) : "");
  cells.push_back(phases ? number_or_empty(phases->total) : "");
}

std::vector<std::string> csv_cells(const Run& point, const Row& row) {
  const Timing* judged = judged_timing(row);
  std::vector<std::string> cells{
      row.variant, std::string(name_of(row.status)),
      row.status == record::Status::failed ? failure_text(row) : row.reason};
  add_timing_cells(cells, row.forward);
  add_timing_cells(cells, row.backward);
  add_timing_cells(cells, row.total);
  cells.push_back(judged ? number_or_empty(judged->noise) : "");
  cells.push_back(judged ? fmt::format("{}", judged->samples_s.size()) : "");
  cells.push_back(fmt::format("{}", row.tokens));
  for (const auto& value : {row.tokens_per_s, row.flops_per_s, row.ceiling_fraction, row.speedup}) {
    cells.push_back(number_or_empty(value));
  }
  cells.push_back(fmt::format("{}", row.executed_pairs));
  cells.push_back(row.different_routing ? "true" : "false");
  for (std::int64_t bytes : {row.bytes.saved, row.bytes.workspace, row.bytes.peak}) {
    cells.push_back(fmt::format("{}", bytes));
  }
  cells.push_back(row.reference ? "true" : "false");
  add_phase_cells(cells, row.dense_bound_flops_per_s);
  add_phase_cells(cells, row.dense_bound_fraction);
  add_timing_cells(cells, row.graph_forward);
  add_timing_cells(cells, row.graph_backward);
  add_timing_cells(cells, row.graph_total);
  const LayerConfig& layer = point.model.layer;
  cells.push_back(fmt::format("{}", row.point));
  cells.push_back(point.model.name);
  for (std::int64_t size : {layer.hidden_dim, layer.ffn_dim, layer.num_experts, layer.top_k,
                            point.model.batch_size, point.model.seq_len}) {
    cells.push_back(fmt::format("{}", size));
  }
  cells.emplace_back(name_of(layer.activation));
  cells.emplace_back(name_of(layer.up_layout));
  cells.emplace_back(layer.expert_bias ? "true" : "false");
  cells.emplace_back(name_of(layer.dtype));
  cells.push_back(fmt::format("{}", layer.rounding.tile));
  cells.emplace_back(name_of(layer.rounding.rule));
  cells.push_back(point.traffic);
  return cells;
}

/// What a page says of one shape.
std::string markdown_point(const Run& point) {
  std::string text = "- shape: " + shape_line(point) + "\n";
  text += "- routing: " + routing_line(point) + "\n\n";
  text += to_markdown(bench_rows(point)) + "\n";
  for (const std::string& note : bench_notes(point)) text += "- " + note + "\n";
  text += "\n```\n" + load_text(point) + breakdown_text(point) + "```\n\n";
  for (const std::string& warning : point.warnings) text += "- warning: " + warning + "\n";
  return point.verdict.empty() ? text : text + "**" + point.verdict + "**\n\n";
}

std::string markdown_sweep(const Run& run) {
  std::string text = "\n" + to_markdown(sweep_rows(run)) + "\n";
  for (const std::string& note : sweep_notes(run)) text += "- " + note + "\n";
  for (const std::string& warning : run.warnings) text += "- warning: " + warning + "\n";
  const std::vector<Run> points = record::points_of(run);
  for (std::size_t i = 0; i < points.size(); ++i) {
    text += "\n## " + record::point_label(run, run.points[i]) + "\n\n" + markdown_point(points[i]);
  }
  return text;
}

}  // namespace

std::string header_text(const Run& run, const Estimate& estimate) {
  const std::string subject = run.points.empty() ? fmt::format("# shape    {}\n# routing  {}\n",
                                                               shape_line(run), routing_line(run))
                                                 : sweep_lines(run);
  return fmt::format("# {}\n# device   {}\n# ceiling  {}\n{}# memory   {}\n", program_line(run),
                     device_line(run), ceiling_line(run), subject, memory_line(estimate));
}

std::string checks_text(const Row& row) {
  if (row.status == record::Status::failed) return "FAILED (" + failure_text(row) + ")";
  if (row.reference) return "measured; no MoE layer, nothing to verify";
  if (row.checks.empty()) return "not checked";
  const Check* worst = nullptr;                        // nearest to its tolerance
  std::map<std::string, std::string> compared, exact;  // scope -> names
  for (const Check& check : row.checks) {
    std::string& names = (check.tolerance == 0 ? exact : compared)[check.scope];
    names += (names.empty() ? "" : ", ") + check.what;
    if (check.tolerance == 0) continue;
    const bool is_worse =
        worst == nullptr || check.error / check.tolerance > worst->error / worst->tolerance;
    if (is_worse) worst = &check;
  }
  std::string text = "check ok";
  if (worst != nullptr) {
    text += fmt::format(" ({} {} <= {})", worst->what, format_error(worst->error),
                        format_error(worst->tolerance));
  }
  std::vector<std::string> parts;
  for (const auto& [scope, names] : compared) parts.push_back(names + " of " + scope);
  for (const auto& [scope, names] : exact) parts.push_back(names + " of " + scope + ", exact");
  return text + ": " + join(parts, "; ");
}

std::string markdown_report(const Run& run) {
  std::string text =
      fmt::format("# {}: {}\n\n", run.program, run.points.empty() ? run.model.name : "sweep");
  text += "- run: " + program_line(run) + "\n";
  text += "- device: " + device_line(run) + "\n";
  text += "- ceiling: " + ceiling_line(run) + "\n";
  text += run.points.empty() ? markdown_point(run) : markdown_sweep(run);
  if (!run.repeat_command.empty()) text += "Again: `" + run.repeat_command + "`\n";
  return text;
}

std::string csv_report(const Run& run) {
  TextTable table;
  table.header = {"variant",
                  "status",
                  "reason",
                  "forward_median_s",
                  "forward_q1_s",
                  "forward_q3_s",
                  "backward_median_s",
                  "backward_q1_s",
                  "backward_q3_s",
                  "total_median_s",
                  "total_q1_s",
                  "total_q3_s",
                  "noise",
                  "samples",
                  "tokens",
                  "tokens_per_s",
                  "flops_per_s",
                  "ceiling_fraction",
                  "speedup",
                  "executed_pairs",
                  "different_routing",
                  "saved_bytes",
                  "workspace_bytes",
                  "peak_bytes",
                  "reference"};
  for (const char* quantity : {"dense_bound_flops_per_s", "dense_bound_fraction"}) {
    for (const char* phase : {"forward", "backward", "total"})
      table.header.push_back(fmt::format("{}_{}", quantity, phase));
  }
  for (const char* phase : {"forward", "backward", "total"}) {
    for (const char* value : {"median", "q1", "q3"})
      table.header.push_back(fmt::format("graph_{}_{}_s", phase, value));
  }
  for (const char* field :
       {"point", "config", "hidden_dim", "ffn_dim", "num_experts", "top_k", "batch_size", "seq_len",
        "activation", "up_layout", "expert_bias", "dtype", "tile", "rounding", "routing"}) {
    table.header.emplace_back(field);
  }
  for (const Run& point : record::points_of(run)) {
    for (const Row& row : point.rows) table.rows.push_back(csv_cells(point, row));
  }
  return to_csv(table);
}

}  // namespace moe::report
