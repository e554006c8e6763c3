// A run of one shape is the sweep of one point.
#include "bench/measure_points.h"

#include <iterator>
#include <map>
#include <new>

#include "moe/error.h"
#include "record/sweep.h"
#include "report/bench/bench_report.h"
#include "report/bench/verdict.h"

namespace moe::programs {
namespace {

/// What a point hears: rows go to disk, words to the terminal.
measure::BenchEvents make_events(Progress& progress, const record::RunStore& store,
                                 std::int64_t point, const std::string& prefix) {
  return {
      .status = [&progress, prefix](const std::string& text) { progress.status(prefix + text); },
      .row_done =
          [&progress, &store, point, prefix](record::Row row) {
            row.point = point;
            store.append_point(row);
            const bool skipped = row.status == record::Status::skipped;
            progress.line(prefix + row.variant + ": " +
                          (skipped ? "skipped, " + row.reason : report::checks_text(row)));
          },
      .interrupted = [] { return interrupt_signal() != 0; }};
}

/// Puts a measured point in its place in the run.
void absorb(record::Run measured, std::int64_t point, record::Run& run) {
  const std::string verdict = report::verdict(measured);
  for (record::Row& row : measured.rows) row.point = point;
  run.rows.insert(run.rows.end(), std::make_move_iterator(measured.rows.begin()),
                  std::make_move_iterator(measured.rows.end()));
  if (run.points.empty()) {
    run.warnings = std::move(measured.warnings);
    run.verdict = verdict;
  } else {
    run.points[point].warnings = std::move(measured.warnings);
    run.points[point].verdict = verdict;
  }
}

/// A point that the machine has no room for does not end the sweep.
bool run_point(Device& device, const measure::BenchRequest& request,
               const measure::BenchEvents& events, bool in_sweep, record::Run& run) {
  try {
    return measure::run_bench(device, request, events, run);
  } catch (const std::bad_alloc&) {
    if (!in_sweep) throw;
    run.rows = request.finished;
    run.warnings.push_back("out of host memory: the point was not measured");
    return true;
  }
}

}  // namespace

void measure_ceilings(Device& device, Progress& progress, record::Run& run) {
  std::map<DType, Ceilings> known;
  const auto fill = [&](DType dtype, double& gemm, double& copy) {
    if (gemm > 0) return;
    if (!known.contains(dtype)) {
      progress.status("measuring this machine's ceilings");
      known[dtype] = device.measure_ceilings(dtype);
      progress.clear();
    }
    gemm = known[dtype].gemm_flops_per_s;
    copy = known[dtype].copy_bytes_per_s;
  };
  fill(run.model.layer.dtype, run.gemm_ceiling_flops_per_s, run.copy_ceiling_bytes_per_s);
  for (record::Point& point : run.points) {
    fill(point.model.layer.dtype, point.gemm_ceiling_flops_per_s, point.copy_ceiling_bytes_per_s);
  }
}

void keep_finished(const record::RunStore& store, std::vector<measure::BenchRequest>& requests) {
  for (record::Row& row : store.points()) {
    const auto point = static_cast<std::size_t>(row.point);
    if (point < requests.size()) requests[point].finished.push_back(std::move(row));
  }
}

bool measure_points(Device& device, const std::vector<measure::BenchRequest>& requests,
                    const record::RunStore& store, Progress& progress,
                    const std::function<void(std::size_t point)>& point_done, record::Run& run) {
  const std::vector<record::Run> empty = record::points_of(run);
  const bool in_sweep = !run.points.empty();
  bool complete = true;
  for (std::size_t i = 0; i < requests.size() && complete; ++i) {
    const std::string prefix =
        in_sweep ? "point " + std::to_string(i + 1) + "/" + std::to_string(requests.size()) + ": "
                 : "";
    record::Run measured = empty[i];
    complete = run_point(device, requests[i],
                         make_events(progress, store, static_cast<std::int64_t>(i), prefix),
                         in_sweep, measured);
    progress.clear();
    absorb(std::move(measured), static_cast<std::int64_t>(i), run);
    point_done(i);
  }
  return complete;
}

}  // namespace moe::programs
