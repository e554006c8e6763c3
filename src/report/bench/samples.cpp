// The table of samples.csv.
#include "report/bench/samples.h"

#include <fmt/format.h>

#include "report/text/table.h"

namespace moe::report {
namespace {

using record::Row;
using record::Run;
using record::Timing;

std::string sample_text(const std::optional<Timing>& timing, std::size_t i) {
  return timing && i < timing->samples_s.size() ? fmt::format("{}", timing->samples_s[i]) : "";
}

/// `prefix` holds the cells of the swept fields.
void add_rows(const Row& row, const std::vector<std::string>& prefix, TextTable& table) {
  if (!row.total) return;
  for (std::size_t i = 0; i < row.total->samples_s.size(); ++i) {
    std::vector<std::string> cells = prefix;
    cells.insert(cells.end(), {row.variant, std::to_string(i), sample_text(row.forward, i),
                               sample_text(row.backward, i), sample_text(row.total, i)});
    table.rows.push_back(std::move(cells));
  }
}

}  // namespace

std::string samples_csv(const Run& run) {
  TextTable table;
  table.header = run.swept;
  table.header.insert(table.header.end(),
                      {"variant", "sample", "forward_s", "backward_s", "total_s"});
  for (const Row& row : run.rows) {
    std::vector<std::string> prefix;
    for (const std::string& field : run.swept) {
      const auto point = static_cast<std::size_t>(row.point);
      const bool is_there = point < run.points.size() && run.points[point].values.contains(field);
      prefix.push_back(is_there ? run.points[point].values.at(field) : "");
    }
    add_rows(row, prefix, table);
  }
  return to_csv(table);
}

}  // namespace moe::report
