// The shipped measurements of one GPU, docs/results/<gpu>/bench.json as tools/gpu_bench writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "record/fields.h"

namespace moe::record {

inline constexpr const char* kGpuBenchSchema = "moe-gpu-bench/1";

/// One variant in one phase; or one that did not run, without phase and numbers.
struct GpuBenchRow {
  std::string variant, status, reason;
  std::string phase;  // "forward", "backward", "total"; empty = it did not run
  std::optional<double> ms, graph_ms, noise, tflops, dense_bound_tflops;
  std::int64_t saved_bytes = 0, peak_bytes = 0;
};

/// One configuration, all of its rows measured in turn in one run.
struct GpuBenchShape {
  std::string shape, device, driver, date, git_commit, command;
  bool git_dirty = false;
  std::int64_t tokens = 0;
  double gemm_ceiling_tflops = 0, copy_ceiling_tbps = 0;
  std::vector<GpuBenchRow> rows;
};

struct GpuBench {
  std::string device;
  std::vector<GpuBenchShape> shapes;
};

void visit_fields(auto& field, Like<GpuBenchRow> auto& row) {
  field("variant", row.variant);
  field("status", row.status);
  field("reason", row.reason);
  field("phase", row.phase);
  field("ms", row.ms);
  field("graph_ms", row.graph_ms);
  field("noise", row.noise);
  field("tflops", row.tflops);
  field("dense_bound_tflops", row.dense_bound_tflops);
  field("saved_bytes", row.saved_bytes);
  field("peak_bytes", row.peak_bytes);
}

void visit_fields(auto& field, Like<GpuBenchShape> auto& shape) {
  field("shape", shape.shape);
  field("device", shape.device);
  field("driver", shape.driver);
  field("date", shape.date);
  field("git_commit", shape.git_commit);
  field("git_dirty", shape.git_dirty);
  field("command", shape.command);
  field("tokens", shape.tokens);
  field("gemm_ceiling_tflops", shape.gemm_ceiling_tflops);
  field("copy_ceiling_tbps", shape.copy_ceiling_tbps);
  field("rows", shape.rows);
}

void visit_fields(auto& field, Like<GpuBench> auto& bench) {
  field("device", bench.device);
  field("shapes", bench.shapes);
}

/// Throws Error{usage} when the text is no such record. `file_name` stands in messages only.
GpuBench gpu_bench_from_json(const std::string& text, const std::string& file_name);

}  // namespace moe::record
