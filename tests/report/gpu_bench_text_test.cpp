// The screen of `show h200`, golden.
#include "report/bench/gpu_bench_text.h"

#include <gtest/gtest.h>

namespace moe::report {
namespace {

record::GpuBenchRow row(const char* variant, const char* phase, double ms, double tflops) {
  record::GpuBenchRow row{variant, "ok", "", phase};
  row.ms = ms;
  row.tflops = tflops;
  row.dense_bound_tflops = 500;
  row.peak_bytes = std::int64_t{3} << 29;
  return row;
}

TEST(GpuBenchText, GoldenScreen) {
  record::GpuBench bench{"NVIDIA H200", {{}}};
  record::GpuBenchShape& shape = bench.shapes[0];
  shape.shape = "small";
  shape.device = "NVIDIA H200";
  shape.driver = "CUDA 13.0, driver 580.65";
  shape.date = "2026-01-02";
  shape.git_commit = "1a2b3c4";
  shape.git_dirty = true;
  shape.tokens = 4096;
  shape.rows = {{"vanilla", "skipped", "out of memory", ""}, row("sonic", "forward", 1.25, 450),
                row("sonic", "backward", 2.5, 475),          row("sonic", "total", 3.75, 466),
                row("dense_bound", "forward", 1.0, 500),     row("dense_bound", "total", 1.0, 500)};
  EXPECT_EQ(gpu_bench_text(bench),
            R"(# NVIDIA H200 | CUDA 13.0, driver 580.65 | 2026-01-02 | git 1a2b3c4 + changes
shape          variant      fwd ms  bwd ms  TFLOP/s f/b/all  % dense f/b/all      peak
small, T=4096  vanilla      skipped: out of memory
small, T=4096  sonic         1.250   2.500      450/475/466         90/95/93  1.50 GiB
small, T=4096  dense_bound   1.000       -        500/-/500        100/-/100         -
each shape: all rows in turn in one run; % dense: share of dense_bound in that run
)");
}

}  // namespace
}  // namespace moe::report
