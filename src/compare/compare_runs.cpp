// What the runs share, where they part, and their points side by side.
#include "compare/compare_runs.h"

#include <fmt/format.h>

#include <algorithm>

#include "record/differences.h"

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

std::vector<Difference> conflicts_of_request(const Run& a, const Run& b) {
  std::vector<Difference> found;
  add_when_different(found, "tokens", std::to_string(a.model.tokens()),
                     std::to_string(b.model.tokens()));
  const bool with_rounding = rounding_matters(a, b);
  for (Difference& difference : record::differences(a.model.layer, b.model.layer)) {
    if (with_rounding || !difference.field.starts_with("rounding."))
      found.push_back(std::move(difference));
  }
  add_when_different(found, "mode", a.mode, b.mode);
  add_when_different(found, "routing", a.traffic, b.traffic);
  add_when_different(found, "seed", std::to_string(a.seed), std::to_string(b.seed));
  return found;
}

void sort_environment(const Run& a, const Run& b, Comparison& comparison) {
  for (Difference& difference : record::differences(a.environment, b.environment)) {
    const std::string& field = difference.field;
    const bool is_device = field == "device_kind" || field == "device_name" || field == "num_cores";
    (is_device ? comparison.conflicts : comparison.differences).push_back(std::move(difference));
  }
}

void add_point(const Row& a, const Row& b, const CompareOptions& options, Comparison& comparison) {
  const auto add = [&](const char* pass, const std::optional<Timing>& in_a,
                       const std::optional<Timing>& in_b) {
    if (!in_a || !in_b || in_a->samples_s.empty() || in_b->samples_s.empty()) return;
    comparison.points.push_back(compare_timings(*in_a, *in_b, options.threshold));
    comparison.points.back().point = a.variant;
    comparison.points.back().pass = pass;
  };
  if (options.each_pass) {
    add("forward", a.forward, b.forward);
    add("backward", a.backward, b.backward);
  }
  add("total", a.total, b.total);
  if (a.bytes.peak != b.bytes.peak) {
    comparison.remarks.push_back(fmt::format(
        "{}: peak memory {} -> {} bytes ({:+.1f} %)", a.variant, a.bytes.peak, b.bytes.peak,
        100.0 * static_cast<double>(b.bytes.peak) / static_cast<double>(a.bytes.peak) - 100));
  }
}

void match_rows(const Run& a, const Run& b, const CompareOptions& options, Comparison& comparison) {
  for (const Row& row : a.rows) {
    const Row* other = find_row(b, row.variant);
    if (other == nullptr) {
      comparison.remarks.push_back(row.variant + ": in A only");
    } else if (has_time(row) && has_time(*other)) {
      add_point(row, *other, options, comparison);
    } else if (has_time(row)) {
      comparison.lost.push_back(
          fmt::format("{}: {} in B, {}", row.variant, name_of(other->status), other->reason));
    } else {
      comparison.remarks.push_back(
          fmt::format("{}: {} in A, {}", row.variant, name_of(row.status), row.reason));
    }
  }
  for (const Row& row : b.rows) {
    if (find_row(a, row.variant) == nullptr)
      comparison.remarks.push_back(row.variant + ": in B only");
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
  comparison.conflicts = conflicts_of_request(a, b);
  sort_environment(a, b, comparison);
  match_rows(a, b, options, comparison);
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
