// The result table of bench_moe_variants and the notes under it.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "report/bench/bench_report.h"
#include "report/bench/row_facts.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

using record::Row;
using record::Run;
using record::Status;
using record::Timing;

/// Units and digits of the columns.
struct Columns {
  Scale time, tokens, flops, bytes;
  double largest_s = 0, largest_tokens = 0, largest_flops = 0, largest_bytes = 0;
  int time_digits = 4;  // of largest_s
};

int whole_digits(double value) {
  int digits = 1;
  for (double bound = 10; value >= bound; bound *= 10) ++digits;
  return digits;
}

/// Four, or as many more as leave the shortest time three: beside a row that takes a hundred times
/// as long, the others must not be rounded alike.
int digits_for(double largest, double shortest) {
  const int whole = whole_digits(largest);
  return whole + std::max(4 - whole, 3 - whole_digits(shortest));
}

Columns columns_for(const Run& run) {
  Columns columns;
  double smallest_tokens = std::numeric_limits<double>::max(), shortest_s = smallest_tokens;
  std::vector<const Row*> rows = measured_rows(run);
  if (const Row* bound = dense_bound_row(run)) rows.push_back(bound);
  for (const Row* row : rows) {
    columns.largest_s = std::max(columns.largest_s, judged_timing(*row)->median_s);
    shortest_s = std::min(shortest_s, judged_timing(*row)->median_s);
    if (row->tokens_per_s) {
      columns.largest_tokens = std::max(columns.largest_tokens, *row->tokens_per_s);
      smallest_tokens = std::min(smallest_tokens, *row->tokens_per_s);
    }
    columns.largest_flops = std::max(columns.largest_flops, row->flops_per_s.value_or(0));
    if (!row->reference)
      columns.largest_bytes = std::max<double>(columns.largest_bytes, row->bytes.peak);
  }
  columns.time = time_scale(columns.largest_s);
  if (columns.largest_s > 0) {
    const double per_s = columns.time.factor;
    columns.time_digits = digits_for(columns.largest_s * per_s, shortest_s * per_s);
  }
  columns.tokens =
      count_scale(columns.largest_tokens > 0 ? smallest_tokens : 0);  // 853, not 0.85 k
  columns.flops = flops_scale(columns.largest_flops);
  columns.bytes = bytes_scale(columns.largest_bytes);
  return columns;
}

std::string cell(double value, double largest, const Scale& scale, int significant) {
  return format_number(value * scale.factor, largest * scale.factor, significant);
}

std::string time_cell(const std::optional<Timing>& timing, const Columns& columns) {
  return timing ? cell(timing->median_s, columns.largest_s, columns.time, columns.time_digits)
                : "-";
}

std::string noise_cell(const Timing& timing) {
  if (timing.noise) return format_percent(*timing.noise);
  return fmt::format("n={}", timing.samples_s.size());
}

std::string tokens_cell(const Row& row, const Columns& columns) {
  if (!row.tokens_per_s) return "-";
  const std::string number = cell(*row.tokens_per_s, columns.largest_tokens, columns.tokens, 3);
  return columns.tokens.unit.empty() ? number : number + " " + columns.tokens.unit;
}

std::string ceiling_cell(const Row& row) {
  if (!row.ceiling_fraction) return "-";
  return fmt::format("{:.1f}{}", 100 * *row.ceiling_fraction, *row.ceiling_fraction > 1 ? "*" : "");
}

/// "96/91/93": per cent of the dense bound in forward, backward and both.
std::string dense_cell(const Row& row) {
  if (!row.dense_bound_fraction) return "-";
  std::string text = fmt::format("{:.0f}", 100 * row.dense_bound_fraction->forward);
  for (const auto& share : {row.dense_bound_fraction->backward, row.dense_bound_fraction->total}) {
    if (share && row.backward) text += fmt::format("/{:.0f}", 100 * *share);
  }
  return text;
}

bool has_graphs(const Run& run) {
  return std::any_of(run.rows.begin(), run.rows.end(),
                     [](const Row& row) { return row.graph_forward.has_value(); });
}

std::vector<std::string> measured_cells(const Run& run, const Row& row, const Columns& columns) {
  std::vector<std::string> cells{row.variant, time_cell(row.forward, columns)};
  if (has_backward(run)) {
    cells.push_back(time_cell(row.backward, columns));
    cells.push_back(time_cell(row.total, columns));
  }
  if (has_graphs(run)) {
    cells.push_back(time_cell(row.graph_forward, columns));
    if (has_backward(run)) cells.push_back(time_cell(row.graph_backward, columns));
  }
  cells.push_back(noise_cell(*judged_timing(row)));
  cells.push_back(tokens_cell(row, columns));
  cells.push_back(row.flops_per_s ? cell(*row.flops_per_s, columns.largest_flops, columns.flops, 3)
                                  : "-");
  cells.push_back(ceiling_cell(row));
  if (dense_bound_row(run) != nullptr) cells.push_back(dense_cell(row));
  cells.push_back(row.reference ? "-"
                                : cell(static_cast<double>(row.bytes.peak), columns.largest_bytes,
                                       columns.bytes, 3));
  cells.push_back(row.speedup ? format_ratio(*row.speedup) : "-");
  return cells;
}

/// Why the column "vs BASELINE" is empty, or "" when it is not.
std::string missing_baseline_note(const Run& run) {
  const auto found = std::find_if(run.rows.begin(), run.rows.end(),
                                  [&](const Row& row) { return row.variant == run.baseline; });
  if (found != run.rows.end() && found->status == Status::ok) return "";
  std::string why = "it was not among the variants";
  if (found != run.rows.end()) {
    why = found->status == Status::failed ? "it failed its check" : "it was skipped";
  }
  return fmt::format("vs {}: empty, because {}; --baseline NAME chooses another", run.baseline,
                     why);
}

std::string rounded_note(const Run& run, const Row& row) {
  return fmt::format("{}: different routing, {} pairs executed where T*K is {}", row.variant,
                     format_integer(row.executed_pairs),
                     format_integer(run.model.tokens() * run.model.layer.top_k));
}

}  // namespace

TextTable bench_rows(const Run& run) {
  const Columns columns = columns_for(run);
  TextTable table;
  table.header = {"variant", "fwd " + columns.time.unit};
  if (has_backward(run)) {
    table.header.push_back("bwd " + columns.time.unit);
    table.header.push_back("total " + columns.time.unit);
  }
  if (has_graphs(run)) {
    table.header.push_back("graph fwd");
    if (has_backward(run)) table.header.push_back("graph bwd");
  }
  for (const char* title : {"noise", "tokens/s"}) table.header.push_back(title);
  table.header.push_back(columns.flops.unit);
  table.header.push_back("% ceiling");
  if (dense_bound_row(run) != nullptr) {
    table.header.push_back(has_backward(run) ? "% dense f/b/total" : "% dense");
  }
  table.header.push_back("peak " + columns.bytes.unit);
  table.header.push_back("vs " + run.baseline);
  table.alignment.assign(table.header.size(), Align::right);
  table.alignment[0] = Align::left;
  for (const Row& row : run.rows) {
    if (row.status == Status::failed) {
      table.rows.push_back({row.variant, "FAILED (" + failure_text(row) + ")"});
      table.tones.push_back(Tone::bad);
    } else if (row.status == Status::ok && judged_timing(row) != nullptr) {
      table.rows.push_back(measured_cells(run, row, columns));
      table.tones.push_back(Tone::plain);
    }
  }
  return table;
}

std::vector<std::string> bench_notes(const Run& run) {
  std::vector<std::string> notes;
  for (const Row& row : run.rows) {
    if (row.status == Status::skipped) notes.push_back(skip_text(run, row));
  }
  if (run.ep_rank) {
    notes.push_back("every row: " + ep_rank_text(*run.ep_rank) +
                    "; no router, no shared expert, rows as given");
  }
  if (dense_bound_row(run) != nullptr) {
    notes.push_back(
        "dense_bound: no MoE layer (nothing to verify): the expert products alone, as balanced "
        "dense batched GEMMs of the vendor's library, each with cold caches; % dense is a row's "
        "FLOP/s as a share of it");
  }
  bool few_samples = false, above_ceiling = false;
  for (const Row* row : measured_rows(run)) {
    if (row->different_routing) notes.push_back(rounded_note(run, *row));
    if (!row->no_graph_reason.empty())
      notes.push_back(fmt::format("{}: no graph, {}", row->variant, row->no_graph_reason));
    if (row->bytes.measured)
      notes.push_back(row->variant + ": peak as its framework's allocator counted it, not planned");
    few_samples = few_samples || !judged_timing(*row)->noise;
    above_ceiling = above_ceiling || row->ceiling_fraction.value_or(0) > 1;
  }
  if (few_samples) {
    notes.push_back(
        fmt::format("n=...: number of samples; a noise figure needs at least {} (raise --max-time, "
                    "or leave out --fast)",
                    run.min_samples));
  }
  if (above_ceiling) {
    notes.push_back(
        "*: above the measured ceiling, which is one large GEMM timed before this run: a "
        "reference, not a limit");
  }
  const std::string missing = missing_baseline_note(run);
  if (!missing.empty() && !measured_rows(run).empty()) notes.push_back(missing);
  return notes;
}

std::string bench_table(const Run& run, bool in_color) {
  std::string text = to_text(bench_rows(run), in_color);
  for (const std::string& note : bench_notes(run)) text += note + "\n";
  return text;
}

}  // namespace moe::report
