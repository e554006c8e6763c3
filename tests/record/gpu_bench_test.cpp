// The shipped records of GPUs, as tools/gpu_bench writes them.
#include "record/gpu_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moe/error.h"

namespace moe::record {
namespace {

using testing::HasSubstr;

constexpr const char* kText = R"({"schema": "moe-gpu-bench/1", "device": "NVIDIA H200",
  "source_hashes": {"src/cuda/a.cu": "12"},
  "shapes": [{"shape": "small", "device": "NVIDIA H200", "driver": "CUDA 13.0", "tokens": 4096, "rows": [
    {"preset": "small", "variant": "sonic", "status": "ok", "reason": "", "phase": "forward", "ms": 1.5,
     "graph_ms": null, "noise": 0.01, "tflops": 450, "dense_bound_tflops": 500, "peak_bytes": 12},
    {"preset": "small", "variant": "vanilla", "status": "skipped", "reason": "no", "phase": null}]}]})";

TEST(GpuBench, ReadsWhatTheToolWrites) {
  const GpuBench bench = gpu_bench_from_json(kText, "bench.json");
  EXPECT_EQ(bench.device, "NVIDIA H200");
  ASSERT_EQ(bench.shapes.size(), 1u);
  ASSERT_EQ(bench.shapes[0].rows.size(), 2u);
  const GpuBenchRow& row = bench.shapes[0].rows[0];
  EXPECT_EQ(row.phase, "forward");
  EXPECT_EQ(row.ms, 1.5);
  EXPECT_FALSE(row.graph_ms.has_value());
  EXPECT_EQ(row.dense_bound_tflops, 500);
  EXPECT_EQ(row.peak_bytes, 12);
  EXPECT_EQ(bench.shapes[0].rows[1].phase, "");
}

TEST(GpuBench, RefusesOtherFiles) {
  for (const char* text : {"{}", "[]", R"({"schema": "moe-bench/1"})", R"({"schema": 7})", "{"}) {
    EXPECT_THROW(gpu_bench_from_json(text, "bench.json"), Error) << text;
  }
}

}  // namespace
}  // namespace moe::record
