// Points as runs of their own.
#include "record/sweep.h"

#include <map>

namespace moe::record {

std::string point_label(const Run& run, const Point& point) {
  std::string label;
  for (const std::string& field : run.swept) {
    const auto value = point.values.find(field);
    if (value == point.values.end()) continue;
    label += (label.empty() ? "" : " ") + field + "=" + value->second;
  }
  return label;
}

std::vector<Run> points_of(const Run& run) {
  if (run.points.empty()) return {run};
  Run common = run;  // what all points share
  common.rows.clear();
  common.swept.clear();
  common.points.clear();
  std::vector<Run> runs;
  for (const Point& point : run.points) {
    Run one = common;
    one.model = point.model;
    one.traffic = point.traffic;
    one.gemm_ceiling_flops_per_s = point.gemm_ceiling_flops_per_s;
    one.copy_ceiling_bytes_per_s = point.copy_ceiling_bytes_per_s;
    one.flops_per_pass = point.flops_per_pass;
    one.warnings = point.warnings;
    one.verdict = point.verdict;
    runs.push_back(std::move(one));
  }
  for (const Row& row : run.rows) {
    const auto index = static_cast<std::size_t>(row.point);
    if (index < runs.size()) runs[index].rows.push_back(row);
  }
  return runs;
}

void compare_with_baseline(Run& run) {
  std::map<std::int64_t, double> baseline_s;  // by point
  for (const Row& row : run.rows) {
    if (row.variant == run.baseline && row.total) baseline_s[row.point] = row.total->median_s;
  }
  for (Row& row : run.rows) {
    const auto baseline = baseline_s.find(row.point);
    if (row.reference) continue;  // no layer to compare
    // A row whose rounding dropped every pair computed nothing, however soon.
    if (baseline != baseline_s.end() && row.total && row.executed_pairs > 0)
      row.speedup = baseline->second / row.total->median_s;
  }
}

}  // namespace moe::record
