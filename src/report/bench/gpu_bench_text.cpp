// Lines of a GPU's record.
#include "report/bench/gpu_bench_text.h"

#include <fmt/format.h>

#include "report/text/format.h"
#include "report/text/table.h"

namespace moe::report {
namespace {

using record::GpuBenchRow;
using record::GpuBenchShape;

const GpuBenchRow* find_row(const GpuBenchShape& shape, const std::string& variant,
                            const char* phase) {
  for (const GpuBenchRow& row : shape.rows) {
    if (row.variant == variant && row.phase == phase) return &row;
  }
  return nullptr;
}

std::string milliseconds(const GpuBenchRow* row) {
  return row != nullptr && row->ms ? fmt::format("{:.3f}", *row->ms) : "-";
}

std::string tflops(const GpuBenchRow* row) {
  return row != nullptr && row->tflops ? fmt::format("{:.0f}", *row->tflops) : "-";
}

std::string dense_share(const GpuBenchRow* row) {
  if (row == nullptr || !row->tflops || row->dense_bound_tflops.value_or(0) <= 0) return "-";
  return fmt::format("{:.0f}", 100 * *row->tflops / *row->dense_bound_tflops);
}

/// A line of figures, or of the reason why there are none.
std::vector<std::string> line(const GpuBenchShape& shape, const GpuBenchRow& total) {
  const std::string name = fmt::format("{}, T={}", shape.shape, shape.tokens);
  if (total.phase.empty()) return {name, total.variant, total.status + ": " + total.reason};
  const GpuBenchRow* forward = find_row(shape, total.variant, "forward");
  const GpuBenchRow* backward = find_row(shape, total.variant, "backward");
  return {
      name,
      total.variant,
      milliseconds(forward),
      milliseconds(backward),
      fmt::format("{}/{}/{}", tflops(forward), tflops(backward), tflops(&total)),
      fmt::format("{}/{}/{}", dense_share(forward), dense_share(backward), dense_share(&total)),
      total.variant == "dense_bound" ? "-" : format_bytes(static_cast<double>(total.peak_bytes))};
}

}  // namespace

std::string gpu_bench_text(const record::GpuBench& bench) {
  TextTable table;
  table.header = {"shape",           "variant",         "fwd ms", "bwd ms",
                  "TFLOP/s f/b/all", "% dense f/b/all", "peak"};
  table.alignment.assign(table.header.size(), Align::right);
  table.alignment[0] = table.alignment[1] = Align::left;
  std::string sources;
  for (const GpuBenchShape& shape : bench.shapes) {
    for (const GpuBenchRow& row : shape.rows) {
      if (row.phase.empty() || row.phase == "total") table.rows.push_back(line(shape, row));
    }
    const std::string source =
        fmt::format("# {} | {} | {} | git {}{}\n", shape.device, shape.driver, shape.date,
                    shape.git_commit, shape.git_dirty ? " + changes" : "");
    if (sources.find(source) == std::string::npos) sources += source;
  }
  return sources + to_text(table) +
         "each shape: all rows in turn in one run; % dense: share of dense_bound in that run\n";
}

}  // namespace moe::report
