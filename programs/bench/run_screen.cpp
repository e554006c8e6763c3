// Estimates in words and as a table.
#include "bench/run_screen.h"

#include <algorithm>

#include "record/sweep.h"
#include "report/bench/bench_report.h"
#include "report/bench/breakdown_text.h"
#include "report/bench/row_facts.h"
#include "report/bench/sweep_report.h"
#include "report/text/color.h"
#include "report/text/format.h"
#include "report/text/table.h"

namespace moe::programs {
namespace {

/// One pass each for the check and, until the time cap, as many rounds as the noise target may
/// need.
double expected_seconds(const measure::BenchRequest& request, const measure::BenchEstimate& needs,
                        double flops_per_s) {
  if (flops_per_s <= 0) return request.sampling.time_cap_s;  // nobody knows
  const double pass_s = needs.flops_per_pass / flops_per_s;
  double runnable = 0, settling_s = 0;
  for (const auto& line : needs.lines) {
    const bool is_finished =
        std::any_of(request.finished.begin(), request.finished.end(),
                    [&](const record::Row& row) { return row.variant == line.variant; });
    if (!line.skip_reason.empty() || is_finished) continue;
    runnable += 1;
    settling_s += line.settling_s;
  }
  const int samples = std::min(request.sampling.min_samples, request.sampling.max_samples);
  const double most = runnable * pass_s * (1 + samples) + settling_s * samples;
  const double least = runnable * pass_s * 2;
  return std::max(least, std::min(most, request.sampling.time_cap_s));
}

std::string needs_table(const measure::BenchEstimate& needs) {
  report::TextTable table;
  table.header = {"variant", "weights", "gradients", "saved", "workspace", "would run"};
  table.alignment = {report::Align::left,  report::Align::right, report::Align::right,
                     report::Align::right, report::Align::right, report::Align::left};
  for (const auto& line : needs.lines) {
    std::string verdict = line.skip_reason.empty() ? "yes" : "no: " + line.skip_reason;
    if (line.largest_tokens) verdict += "; " + report::largest_tokens_text(*line.largest_tokens);
    const bool is_planned = line.bytes.peak > 0;  // not where the row cannot run at all
    if (is_planned && line.is_framework) verdict += "; a run tells what its framework allocates";
    const auto bytes = [&](std::int64_t count, bool known = true) {
      return is_planned && known ? report::format_bytes(static_cast<double>(count)) : "-";
    };
    table.rows.push_back({line.variant, bytes(line.bytes.weights), bytes(line.bytes.gradients),
                          bytes(line.bytes.saved, !line.is_framework),
                          bytes(line.bytes.workspace, !line.is_framework), verdict});
  }
  return to_text(table);
}

}  // namespace

std::vector<measure::BenchEstimate> estimate_all(
    Device& device, const std::vector<measure::BenchRequest>& requests) {
  std::vector<measure::BenchEstimate> needs;
  for (const measure::BenchRequest& request : requests)
    needs.push_back(measure::estimate(device, request));
  return needs;
}

std::string header_screen(const Sweep& sweep, const std::vector<measure::BenchRequest>& requests,
                          const std::vector<measure::BenchEstimate>& needs,
                          const record::Run& run) {
  const std::vector<record::Run> points = record::points_of(run);
  report::Estimate whole{0, 0, needs.front().free_bytes};
  for (std::size_t i = 0; i < points.size(); ++i) {
    whole.seconds += expected_seconds(requests[i], needs[i], points[i].gemm_ceiling_flops_per_s);
    whole.needed_bytes = std::max(whole.needed_bytes, needs[i].needed_bytes);
  }
  std::string text = report::header_text(run, whole);
  for (const InvalidPoint& point : sweep.invalid) {
    text += "# skipped  " + point.label + ": " + point.reason + "\n";
  }
  if (sweep.filtered > 0) {
    text += "# filtered " + report::format_integer(sweep.filtered) + " point" +
            (sweep.filtered == 1 ? "" : "s") + " left out by --filter\n";
  }
  return text;
}

std::string dry_run_screen(const Sweep& sweep, const std::vector<measure::BenchEstimate>& needs) {
  std::string text;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    if (!sweep.fields.empty()) text += label_of(sweep.fields, sweep.points[i].values) + "\n";
    text += needs_table(needs[i]);
  }
  return text + "dry run: nothing was measured\n";
}

std::string results_screen(const record::Run& run, bool in_color) {
  using report::painted, report::Tone;
  std::string text = run.points.empty() ? report::bench_table(run, in_color) +
                                              report::load_text(run) + report::breakdown_text(run)
                                        : report::sweep_table(run);
  for (const std::string& warning : run.warnings)
    text += painted("! " + warning, Tone::doubt, in_color) + "\n";
  return run.verdict.empty() ? text : text + painted(run.verdict, Tone::strong, in_color) + "\n";
}

}  // namespace moe::programs
