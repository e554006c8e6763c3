// What the runs share, where they part, and their points side by side.
#include "compare/compare_runs.h"

#include <fmt/format.h>

#include <algorithm>

#include "record/differences.h"
#include "record/sweep.h"

namespace moe::compare {
namespace {

using record::Comparison;
using record::Difference;
using record::Row;
using record::Run;
using record::Timing;

const Row* find_row(const Run& run, const std::string& variant) {
  const auto found = std::find_if(run.rows.begin(), run.rows.end(),
                                  [&](const Row& row) { return row.variant == variant; });
  return found == run.rows.end() ? nullptr : &*found;
}

bool has_time(const Row& row) {
  return row.status == record::Status::ok && row.total && !row.total->samples_s.empty();
}

/// One shape of a run, as a run of its own.
struct Shape {
  std::string label;  // "tokens=512 "; empty in a run of one shape
  Run run;
};

std::vector<Shape> shapes_of(const Run& run) {
  std::vector<Shape> shapes;
  std::vector<Run> runs = record::points_of(run);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::string label = run.points.empty() ? "" : record::point_label(run, run.points[i]);
    shapes.push_back({label.empty() ? "" : label + " ", std::move(runs[i])});
  }
  return shapes;
}

/// The rule of rounding is nobody's business where no rounded row ran in both.
bool rounding_matters(const Run& a, const Run& b) {
  return std::any_of(a.rows.begin(), a.rows.end(), [&](const Row& row) {
    const Row* other = find_row(b, row.variant);
    return row.different_routing && has_time(row) && other != nullptr && has_time(*other);
  });
}

void add_when_different(std::vector<Difference>& list, const char* field, const std::string& a,
                        const std::string& b) {
  if (a != b) list.push_back({field, a, b});
}

/// What keeps two shapes from being the same point.
std::vector<Difference> conflicts_of_shape(const Run& a, const Run& b) {
  std::vector<Difference> found;
  add_when_different(found, "tokens", std::to_string(a.model.tokens()),
                     std::to_string(b.model.tokens()));
  const bool with_rounding = rounding_matters(a, b);
  for (Difference& difference : record::differences(a.model.layer, b.model.layer)) {
    if (with_rounding || !difference.field.starts_with("rounding."))
      found.push_back(std::move(difference));
  }
  add_when_different(found, "routing", a.traffic, b.traffic);
  return found;
}

void add_conflicts_of_request(const Run& a, const Run& b, Comparison& comparison) {
  add_when_different(comparison.conflicts, "mode", a.mode, b.mode);
  const auto rank_text = [](const Run& run) {
    return run.ep_rank ? fmt::format("{} of {}", run.ep_rank->rank, run.ep_rank->ranks) : "none";
  };
  add_when_different(comparison.conflicts, "ep_rank", rank_text(a), rank_text(b));
  add_when_different(comparison.conflicts, "seed", std::to_string(a.seed), std::to_string(b.seed));
}

void sort_environment(const Run& a, const Run& b, Comparison& comparison) {
  for (Difference& difference : record::differences(a.environment, b.environment)) {
    const std::string& field = difference.field;
    const bool is_device = field == "device_kind" || field == "device_name" || field == "num_cores";
    (is_device ? comparison.conflicts : comparison.differences).push_back(std::move(difference));
  }
}

void add_passes(const std::string& name, const Row& a, const Row& b, const CompareOptions& options,
                Comparison& comparison) {
  const auto add = [&](const char* pass, const std::optional<Timing>& in_a,
                       const std::optional<Timing>& in_b) {
    if (!in_a || !in_b || in_a->samples_s.empty() || in_b->samples_s.empty()) return;
    record::PointComparison point = compare_timings(*in_a, *in_b, options.threshold);
    point.point = name;
    point.pass = pass;
    point.a_core_mhz = a.core_mhz;
    point.b_core_mhz = b.core_mhz;
    consider_clocks(point, options.threshold);
    comparison.points.push_back(std::move(point));
  };
  if (options.each_pass) {
    add("forward", a.forward, b.forward);
    add("backward", a.backward, b.backward);
  }
  add("total", a.total, b.total);
}

void add_memory_remark(const std::string& name, const Row& a, const Row& b,
                       Comparison& comparison) {
  if (a.bytes.peak == b.bytes.peak || a.bytes.peak == 0) return;
  const double ratio = static_cast<double>(b.bytes.peak) / static_cast<double>(a.bytes.peak);
  comparison.remarks.push_back(fmt::format("{}: peak memory {} -> {} bytes ({:+.1f} %)", name,
                                           a.bytes.peak, b.bytes.peak, 100 * ratio - 100));
}

void match_rows(const Shape& a, const Shape& b, const CompareOptions& options,
                Comparison& comparison) {
  const std::string& label = a.label.empty() ? b.label : a.label;
  const auto state = [](const Row& row) {
    return fmt::format("{}, {}", name_of(row.status), row.reason);
  };
  for (const Row& row : a.run.rows) {
    const std::string name = label + row.variant;
    const Row* other = find_row(b.run, row.variant);
    if (other == nullptr) {
      comparison.remarks.push_back(name + ": in A only");
    } else if (has_time(row) && has_time(*other)) {
      add_passes(name, row, *other, options, comparison);
      add_memory_remark(name, row, *other, comparison);
    } else if (has_time(row)) {
      comparison.lost.push_back(name + ": in B " + state(*other));
    } else {
      comparison.remarks.push_back(name + ": in A " + state(row));
    }
  }
  for (const Row& row : b.run.rows) {
    if (find_row(a.run, row.variant) == nullptr)
      comparison.remarks.push_back(label + row.variant + ": in B only");
  }
}

/// Shapes of sweeps meet where they are the same; two runs of one shape each always meet, with
/// their conflicts.
void match_shapes(const std::vector<Shape>& in_a, const std::vector<Shape>& in_b,
                  const CompareOptions& options, Comparison& comparison) {
  if (in_a.size() == 1 && in_b.size() == 1) {
    comparison.conflicts = conflicts_of_shape(in_a[0].run, in_b[0].run);
    return match_rows(in_a[0], in_b[0], options, comparison);
  }
  std::vector<bool> is_met(in_b.size(), false);
  for (const Shape& a : in_a) {
    std::size_t i = 0;
    while (i < in_b.size() && (is_met[i] || !conflicts_of_shape(a.run, in_b[i].run).empty())) ++i;
    if (i < in_b.size()) {
      is_met[i] = true;
      match_rows(a, in_b[i], options, comparison);
    } else {
      comparison.remarks.push_back(a.label + "in A only");
    }
  }
  for (std::size_t i = 0; i < in_b.size(); ++i) {
    if (!is_met[i]) comparison.remarks.push_back(in_b[i].label + "in B only");
  }
}

}  // namespace

Comparison compare_runs(const Run& a, const Run& b, const CompareOptions& options) {
  Comparison comparison;
  comparison.a = a.id;
  comparison.b = b.id;
  comparison.threshold = options.threshold;
  comparison.confidence = kConfidence;
  comparison.a_gemm_ceiling_flops_per_s = a.gemm_ceiling_flops_per_s;
  comparison.b_gemm_ceiling_flops_per_s = b.gemm_ceiling_flops_per_s;
  match_shapes(shapes_of(a), shapes_of(b), options, comparison);
  add_conflicts_of_request(a, b, comparison);
  sort_environment(a, b, comparison);
  return comparison;
}

std::vector<std::string> regressions(const Comparison& comparison, double limit) {
  std::vector<std::string> found;
  for (const record::PointComparison& point : comparison.points) {
    if (point.verdict != record::Verdict::slower || point.change <= limit) continue;
    found.push_back(fmt::format("{} {} {:+.1f} %", point.point, point.pass, 100 * point.change));
  }
  found.insert(found.end(), comparison.lost.begin(), comparison.lost.end());
  return found;
}

}  // namespace moe::compare
