// Estimates in words and as a table.
#include "bench/run_screen.h"

#include <algorithm>

#include "report/bench_report.h"
#include "report/format.h"
#include "report/table.h"

namespace moe::programs {
namespace {

/// One pass each for the check and, until the time cap, as many rounds as the noise target may
/// need.
double expected_seconds(const measure::BenchRequest& request, const measure::BenchEstimate& needs,
                        double flops_per_s) {
  const double pass_s = needs.flops_per_pass / flops_per_s;
  double runnable = 0;
  for (const auto& line : needs.lines) runnable += line.skip_reason.empty() ? 1 : 0;
  const int samples = std::min(request.sampling.min_samples, request.sampling.max_samples);
  const double most = runnable * pass_s * (1 + samples);
  const double least = runnable * pass_s * 2;
  return std::max(least, std::min(most, request.sampling.time_cap_s));
}

}  // namespace

std::string header_screen(const measure::BenchRequest& request, const measure::BenchEstimate& needs,
                          const record::Run& run) {
  return report::header_text(run, {expected_seconds(request, needs, run.gemm_ceiling_flops_per_s),
                                   needs.needed_bytes, needs.free_bytes});
}

std::string dry_run_screen(const measure::BenchEstimate& needs) {
  report::TextTable table;
  table.header = {"variant", "weights", "gradients", "saved", "workspace", "would run"};
  table.alignment = {report::Align::left,  report::Align::right, report::Align::right,
                     report::Align::right, report::Align::right, report::Align::left};
  for (const auto& line : needs.lines) {
    std::string verdict = line.skip_reason.empty() ? "yes" : "no: " + line.skip_reason;
    if (line.largest_tokens)
      verdict += "; largest T that fits: " + report::format_integer(*line.largest_tokens);
    const auto bytes = [](std::int64_t count) {
      return report::format_bytes(static_cast<double>(count));
    };
    table.rows.push_back({line.variant, bytes(line.bytes.weights), bytes(line.bytes.gradients),
                          bytes(line.bytes.saved), bytes(line.bytes.workspace), verdict});
  }
  return to_text(table) + "dry run: nothing was measured\n";
}

}  // namespace moe::programs
