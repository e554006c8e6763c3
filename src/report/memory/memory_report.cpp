// Header, composition and summary.
#include "report/memory/memory_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "model/layer/layer_memory.h"
#include "report/bench/row_facts.h"
#include "report/memory/memory_facts.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

using record::MemoryPhase;
using record::MemoryRow;
using record::MemoryRun;

Scale peak_scale(const MemoryRun& run) {
  double largest = 0;
  for (const MemoryRow& row : run.rows) {
    for (const MemoryPhase& phase : row.phases)
      largest = std::max(largest, static_cast<double>(phase.total_bytes));
  }
  return bytes_scale(largest);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// "-" where a variant has nothing of the kind.
std::string cell(std::int64_t bytes, const Scale& scale) {
  if (bytes == 0) return "-";
  const bool gib = scale.unit == "GiB";
  return fmt::format("{:.{}f}", static_cast<double>(bytes) * scale.factor, gib ? 2 : 1);
}

/// Saved tensors of all rows, each name once, as the first row that has it lists it.
std::vector<std::string> saved_names(const MemoryRun& run) {
  std::vector<std::string> names;
  for (const MemoryRow& row : run.rows) {
    const MemoryPhase* phase = peak_phase(row);
    for (const auto& tensor : phase->tensors) {
      const bool known = std::find(names.begin(), names.end(), tensor.name) != names.end();
      if (tensor.part == "saved" && !known) names.push_back(tensor.name);
    }
  }
  return names;
}

template <class Bytes>
std::vector<std::string> line(const MemoryRun& run, const std::string& name, const Scale& scale,
                              const Bytes& bytes) {
  std::vector<std::string> cells{name};
  for (const MemoryRow& row : run.rows) cells.push_back(cell(bytes(row), scale));
  return cells;
}

bool has_figures(const std::vector<std::string>& cells) {
  return std::any_of(cells.begin() + 1, cells.end(),
                     [](const std::string& text) { return text != "-"; });
}

void add_part(const MemoryRun& run, std::string_view part, const Scale& scale, TextTable& table) {
  auto cells = line(run, std::string(part), scale,
                    [&](const MemoryRow& row) { return part_bytes(*peak_phase(row), part); });
  if (has_figures(cells)) table.rows.push_back(std::move(cells));
}

TextTable composition_table(const MemoryRun& run, const Scale& scale) {
  TextTable table{{"at the peak, " + scale.unit}, {Align::left}, {}};
  for (const MemoryRow& row : run.rows) {
    table.header.push_back(row.variant);
    table.alignment.push_back(Align::right);
  }
  for (int index = 0; index < model::kNumParts; ++index) {
    const auto part = static_cast<model::Part>(index);
    if (part != model::Part::saved) {
      add_part(run, name_of(part), scale, table);
      continue;
    }
    for (const std::string& name : saved_names(run)) {
      table.rows.push_back(line(run, "saved " + name, scale, [&](const MemoryRow& row) {
        return tensor_bytes(*peak_phase(row), name_of(model::Part::saved), name);
      }));
    }
  }
  table.rows.push_back(
      line(run, "PEAK", scale, [](const MemoryRow& row) { return peak_phase(row)->total_bytes; }));
  std::vector<std::string> steps{"  in step"};
  for (const MemoryRow& row : run.rows) steps.push_back(peak_phase(row)->step);
  table.rows.push_back(std::move(steps));
  table.rows.push_back(
      line(run, "saved for backward", scale, [](const MemoryRow& row) { return row.held_bytes; }));
  return table;
}

/// "workspace  sonic in d_x_rows: d_x_rows 32.0 MiB, ..."
std::string workspace_lines(const MemoryRun& run, const Scale& scale) {
  std::string text;
  for (const MemoryRow& row : run.rows) {
    const MemoryPhase& phase = *peak_phase(row);
    std::string tensors;
    for (const auto& tensor : phase.tensors) {
      if (tensor.part != "workspace") continue;
      tensors += (tensors.empty() ? "" : ", ") + tensor.name + " " + cell(tensor.bytes, scale);
    }
    if (tensors.empty()) tensors = "nothing";
    text += fmt::format("workspace  {} in {}: {}\n", row.variant, phase.step, tensors);
  }
  return text;
}

}  // namespace

std::string memory_header(const MemoryRun& run) {
  const record::Environment& environment = run.environment;
  std::string text =
      fmt::format("# {} {} (git {}, {}, {})   run {}\n", run.program, environment.version,
                  commit_text(environment), environment.build_type, environment.compiler, run.id);
  text += fmt::format("# target   {} | capacity {}\n", run.target,
                      format_bytes(static_cast<double>(run.capacity_bytes)));
  text += "#          " + replaced(run.target_remark, "\n", "\n#          ") + "\n";
  text += fmt::format("# shape    {}: {}\n", run.model.name, shape_text(run.model));
  text += fmt::format("# scope    one MoE layer, {}{}; sizes from the plans that variants run by\n",
                      run.mode == "forward" ? "forward alone" : "forward and backward",
                      run.optimizer == "none" ? "" : ", optimizer " + run.optimizer);
  return text;
}

std::string composition_text(const MemoryRun& run) {
  const Scale scale = peak_scale(run);
  return to_text(composition_table(run, scale)) + workspace_lines(run, scale);
}

std::string summary_text(const MemoryRun& run) {
  const MemoryRow* baseline = find_row(run, run.baseline);
  const MemoryRow* compared = compared_row(run);
  if (baseline == nullptr || compared == nullptr || baseline == compared) return "";
  const MemorySummary before = summary_of(*baseline), after = summary_of(*compared);
  const Scale scale = bytes_scale(static_cast<double>(std::max(before.total(), after.total())));
  TextTable table{{"summary, " + scale.unit, baseline->variant, compared->variant, "reduction"},
                  {Align::left, Align::right, Align::right, Align::right},
                  {}};
  const auto add = [&](const char* name, std::int64_t from, std::int64_t to) {
    const double share = from == 0 ? 0 : 1 - static_cast<double>(to) / static_cast<double>(from);
    table.rows.push_back({name, cell(from, scale), cell(to, scale), format_percent(share)});
  };
  add("activations", before.activations, after.activations);
  add("expert weights", before.expert_weights, after.expert_weights);
  add("buffers", before.buffers, after.buffers);
  add("total", before.total(), after.total());
  return to_text(table) +
         "activations: X and all that forward keeps. buffers: everything transient at the peak.\n"
         "Not in the total: gradients, optimizer states, router and shared weights, alike in "
         "both.\n";
}

std::string memory_screen(const MemoryRun& run, bool with_steps) {
  std::string text;
  for (const auto part : {composition_text, phases_text, steps_text, measured_text, summary_text,
                          fits_text, strategies_text}) {
    if (part == steps_text && !with_steps) continue;
    const std::string block = part(run);
    if (!block.empty()) text += (text.empty() ? "" : "\n") + block;
  }
  return text;
}

std::string memory_csv(const MemoryRun& run) {
  TextTable table{{"variant", "phase", "step", "part", "tensor", "bytes"}, {}, {}};
  table.alignment.assign(table.header.size(), Align::left);
  for (const MemoryRow& row : run.rows) {
    for (const MemoryPhase& phase : row.phases) {
      for (const auto& tensor : phase.tensors) {
        table.rows.push_back({row.variant, phase.phase, phase.step, tensor.part, tensor.name,
                              std::to_string(tensor.bytes)});
      }
    }
  }
  return to_csv(table);
}

}  // namespace moe::report
