// The points in words and as tables.
#include "report/bench/sweep_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "record/sweep.h"
#include "report/bench/bench_report.h"
#include "report/bench/row_facts.h"
#include "report/bench/verdict.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

using record::Row;
using record::Run;
using record::Status;

constexpr char kTooClose[] = "too close to call";
constexpr std::size_t kMostListed = 12, kListedFirst = 8, kListedLast = 3;

std::string shape_of(const Run& point) {
  return fmt::format("{} | routing {} | {}", shape_text(point), point.traffic,
                     format_flops(point.flops_per_pass));
}

/// Variants in the order in which rows name them first.
std::vector<std::string> variants_of(const Run& run) {
  std::vector<std::string> names;
  for (const Row& row : run.rows) {
    if (std::find(names.begin(), names.end(), row.variant) == names.end())
      names.push_back(row.variant);
  }
  return names;
}

const Row* find_row(const Run& point, const std::string& variant) {
  const auto found = std::find_if(point.rows.begin(), point.rows.end(),
                                  [&](const Row& row) { return row.variant == variant; });
  return found == point.rows.end() ? nullptr : &*found;
}

std::string time_cell(const Row* row, const Scale& scale) {
  if (row == nullptr) return "-";
  if (row->status == Status::failed) return "FAILED";
  if (row->status == Status::skipped) return "skipped";
  const record::Timing* timing = judged_timing(*row);
  if (timing == nullptr) return "-";
  const double value = timing->median_s * scale.factor;
  return format_number(value, value, 3);
}

/// "sonic 1.17x": the fastest that keeps the routing, and its ratio to the baseline.
std::string fastest_cell(const Run& point) {
  std::vector<const Row*> rows = measured_rows(point);
  std::erase_if(rows, [](const Row* row) { return row->different_routing; });
  if (rows.empty()) return "-";
  const Row* best = *std::min_element(rows.begin(), rows.end(), [](const Row* a, const Row* b) {
    return judged_timing(*a)->median_s < judged_timing(*b)->median_s;
  });
  const auto is_rival = [&](const Row* row) { return row != best && !clearly_faster(*best, *row); };
  if (std::any_of(rows.begin(), rows.end(), is_rival)) return kTooClose;
  return best->variant + (best->speedup ? " " + format_ratio(*best->speedup) : "");
}

}  // namespace

std::string sweep_lines(const Run& run) {
  const std::vector<Run> points = record::points_of(run);
  double flops = 0;
  for (const Run& point : points) flops += point.flops_per_pass;
  std::string fields;
  for (const std::string& field : run.swept) fields += (fields.empty() ? "" : ", ") + field;
  std::string text = fmt::format("# sweep    {} point{} over {}, seed {} | {} {}, each once\n",
                                 points.size(), points.size() == 1 ? "" : "s", fields, run.seed,
                                 format_flops(flops), mode_in_words(run));
  const bool all = points.size() <= kMostListed;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (all || i < kListedFirst || i + kListedLast >= points.size()) {
      text += fmt::format("# {:>8} {} | {}\n", i + 1, record::point_label(run, run.points[i]),
                          shape_of(points[i]));
    } else if (i == kListedFirst) {
      text += fmt::format("#      ... {} more\n", points.size() - kListedFirst - kListedLast);
    }
  }
  return text;
}

std::string point_text(const Run& run, std::size_t index) {
  const Run point = record::points_of(run)[index];
  std::string text = fmt::format("\n{}/{} {} | {}\n", index + 1, run.points.size(),
                                 record::point_label(run, run.points[index]), shape_of(point));
  if (point.rows.empty()) text += "not measured\n";
  if (!bench_rows(point).rows.empty()) text += to_text(bench_rows(point));
  for (const Row& row : point.rows) {
    if (row.status == Status::skipped) text += skip_text(point, row) + "\n";
  }
  for (const std::string& warning : point.warnings) text += "! " + warning + "\n";
  return text;
}

TextTable sweep_rows(const Run& run) {
  const std::vector<Run> points = record::points_of(run);
  const std::vector<std::string> variants = variants_of(run);
  double largest_s = 0;
  for (const Row* row : measured_rows(run))
    largest_s = std::max(largest_s, judged_timing(*row)->median_s);
  const Scale scale = time_scale(largest_s);
  TextTable table;
  table.header = {(has_backward(run) ? "total " : "forward ") + scale.unit};
  table.header.insert(table.header.end(), variants.begin(), variants.end());
  table.header.push_back("fastest, vs " + run.baseline);
  table.alignment.assign(table.header.size(), Align::right);
  table.alignment.front() = table.alignment.back() = Align::left;
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::vector<std::string> cells{record::point_label(run, run.points[i])};
    for (const std::string& variant : variants)
      cells.push_back(time_cell(find_row(points[i], variant), scale));
    cells.push_back(fastest_cell(points[i]));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::vector<std::string> sweep_notes(const Run& run) {
  std::vector<std::string> notes;
  const std::vector<const Row*> rows = measured_rows(run);
  const auto any = [&](auto condition) { return std::any_of(rows.begin(), rows.end(), condition); };
  if (any([](const Row* row) { return row->different_routing; })) {
    notes.emplace_back(
        "fastest: of the rows that keep the routing; +rounding rows change which tokens an expert "
        "sees");
  }
  if (any([](const Row* row) { return !judged_timing(*row)->noise; })) {
    notes.push_back(fmt::format(
        "n=...: number of samples; an indication only, a noise figure needs at least {} (raise "
        "--max-time, or leave out --fast)",
        run.min_samples));
  }
  if (any([](const Row* row) { return row->ceiling_fraction.value_or(0) > 1; })) {
    notes.emplace_back("*: above the measured ceiling, which is a reference, not a limit");
  }
  return notes;
}

std::string sweep_table(const Run& run) {
  std::string text = "\n" + to_text(sweep_rows(run));
  for (const std::string& note : sweep_notes(run)) text += note + "\n";
  return text;
}

}  // namespace moe::report
