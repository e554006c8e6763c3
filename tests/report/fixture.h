// A fixed run of the small configuration, with the figures of no real machine: five rows, two of
// them rounded.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "record/record.h"

namespace moe::report {

/// Samples spread evenly over +-3 % of the median, quartiles at +-1 %; a noise figure from 10
/// samples on.
inline record::Timing timing_of(double median_s, std::size_t samples = 11) {
  record::Timing timing{
      {}, median_s, 0.99 * median_s, 1.01 * median_s, 0.975 * median_s, 1.025 * median_s};
  for (std::size_t i = 0; i < samples; ++i) {
    const double place =
        samples == 1 ? 0.5 : static_cast<double>(i) / static_cast<double>(samples - 1);
    timing.samples_s.push_back(median_s * (0.97 + 0.06 * place));
  }
  if (samples >= 10) timing.noise = 0.02;
  return timing;
}

inline record::Row row_of(const std::string& variant, double forward_s, double backward_s,
                          std::int64_t peak_mib, std::size_t samples = 11) {
  constexpr double kTokens = 4096, kFlops = 6.18e11, kCeiling = 2.5e11;
  record::Row row;
  row.variant = variant;
  row.forward = timing_of(forward_s, samples);
  row.backward = timing_of(backward_s, samples);
  row.total = timing_of(forward_s + backward_s, samples);
  row.tokens = 4096;
  row.executed_pairs = row.credited_pairs = 8192;
  row.tokens_per_s = kTokens / row.total->median_s;
  row.flops_per_s = kFlops / row.total->median_s;
  row.ceiling_fraction = *row.flops_per_s / kCeiling;
  row.speedup = 4.8 / row.total->median_s;
  row.bytes = {402653184, 402653184, (peak_mib - 64) << 20, 64 << 20, peak_mib << 20};
  row.checks = {{"chosen_experts", "all tokens", 0, 0, true, ""},
                {"out", "16 tokens", 2.1e-7, 1e-5, true, ""},
                {"d_x", "16 tokens", 3.4e-7, 1e-5, true, ""},
                {"d_w_up", "64 entries", 1.5e-7, 1e-5, true, ""}};
  row.load = record::Load{8,     1.21,  0.84,   0.21,
                          0.116, 0.014, 0.9966, 0.063,
                          0.031, 1.01,  4.4,    {1.21, 1.03, 0.84, 0.92, 1.08, 0.97, 1.1, 0.85},
                          {}};
  row.load->utilization_before = row.load->utilization;
  return row;
}

inline record::Row rounded(record::Row row) {
  row.different_routing = true;
  row.executed_pairs = 8320;
  row.load = record::Load{8,
                          1.25,
                          0.88,
                          0.25,
                          0.117,
                          0.014,
                          0.9966,
                          0.062,
                          0.0,
                          1.01,
                          4.4,
                          {1.25, 1.0, 0.875, 0.875, 1.125, 1.0, 1.125, 0.75},
                          row.load->utilization};
  row.rounding =
      record::RoundingReport{"nearest", 128, 120, 248, 63, 1, 119, 120.0 / 8192, 248.0 / 8192};
  return row;
}

inline record::Run small_run() {
  record::Run run;
  run.id = "2026-11-23T04-12-07Z-7f3a";
  run.program = "bench_moe_variants";
  run.repeat_command = "bench_moe_variants --config small --seed 42";
  run.environment.device_kind = "cpu";
  run.environment.device_name = "AMD EPYC 9R14";
  run.environment.num_cores = 2;
  run.environment.memory_bytes = std::int64_t{16} << 30;
  run.environment.compiler = "g++ 12.2";
  run.environment.build_type = "Release";
  run.environment.version = "0.1.0";
  run.environment.git_commit = "1a2b3c4";
  run.environment.gemm_library = "oneDNN 2.6.3";
  run.model.name = "small";
  run.model.layer.hidden_dim = 1024;
  run.model.layer.ffn_dim = 4096;
  run.model.layer.num_experts = 8;
  run.model.layer.top_k = 2;
  run.model.batch_size = 16;
  run.model.seq_len = 256;
  run.mode = "forward_backward";
  run.traffic = "natural";
  run.seed = 42;
  run.baseline = "vanilla";
  run.gemm_ceiling_flops_per_s = 2.5e11;
  run.copy_ceiling_bytes_per_s = 1.41e10;
  run.flops_per_pass = 6.18e11;
  run.noise_target = 0.005;
  run.min_samples = 10;
  run.rows = {row_of("vanilla", 1.6, 3.2, 520), row_of("grouped_gemm", 1.3, 2.9, 504),
              rounded(row_of("grouped_gemm+rounding", 1.28, 2.88, 512)),
              row_of("sonic", 1.25, 2.45, 148), rounded(row_of("sonic+rounding", 1.2, 2.3, 150))};
  return run;
}

/// The same run without backward.
inline record::Run forward_run() {
  record::Run run = small_run();
  run.mode = "forward";
  run.flops_per_pass /= 3;
  for (record::Row& row : run.rows) {
    row.backward.reset();
    row.total.reset();
    row.tokens_per_s = 4096 / row.forward->median_s;
    row.flops_per_s = run.flops_per_pass / row.forward->median_s;
    row.ceiling_fraction = *row.flops_per_s / run.gemm_ceiling_flops_per_s;
    row.speedup = 1.6 / row.forward->median_s;
  }
  return run;
}

inline void fail(record::Row& row) {
  row.status = record::Status::failed;
  row.checks[2] = {"d_x", "16 tokens", 0.31, 1e-5, false, "token 17, column 902"};
  row.forward.reset();
  row.backward.reset();
  row.total.reset();
  row.tokens_per_s.reset();
  row.flops_per_s.reset();
  row.ceiling_fraction.reset();
  row.speedup.reset();
}

inline void skip(record::Row& row) {
  fail(row);
  row.checks.clear();
  row.load.reset();
  row.status = record::Status::skipped;
  row.reason = "needs 61.4 GiB, 52.0 GiB free on cpu";
  row.largest_tokens = 55296;
}

}  // namespace moe::report
