// A fixed sweep, with the figures of no real machine: the small configuration over tokens.
#pragma once

#include <string>
#include <vector>

#include "report/fixture.h"

namespace moe::report {

/// A point like small_run() with its times multiplied by `slower`.
inline void add_point(record::Run& sweep, const std::map<std::string, std::string>& values,
                      std::int64_t tokens, double slower) {
  const record::Run base = small_run();
  record::Point point{values,
                      base.model,
                      base.traffic,
                      base.gemm_ceiling_flops_per_s,
                      base.copy_ceiling_bytes_per_s,
                      base.flops_per_pass * slower};
  point.model.batch_size = 1;
  point.model.seq_len = tokens;
  for (const char* variant : {"vanilla", "grouped_gemm", "sonic"}) {
    record::Row row = row_of(variant, 1.6 * slower, 3.2 * slower, 520);
    if (std::string(variant) == "sonic") row = row_of(variant, 1.25 * slower, 2.45 * slower, 148);
    row.point = static_cast<std::int64_t>(sweep.points.size());
    row.tokens = tokens;
    sweep.rows.push_back(row);
  }
  sweep.points.push_back(point);
}

/// tokens = 1024, 4096, 16384.
inline record::Run tokens_sweep() {
  record::Run run = small_run();
  run.rows.clear();
  run.verdict.clear();
  run.swept = {"tokens"};
  add_point(run, {{"tokens", "1024"}}, 1024, 0.25);
  add_point(run, {{"tokens", "4096"}}, 4096, 1);
  add_point(run, {{"tokens", "16384"}}, 16384, 4);
  return run;
}

}  // namespace moe::report
