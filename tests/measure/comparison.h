// A small comparison on a fake device, for tests of the runner.
#pragma once

#include <string>
#include <vector>

#include "measure/fake_device.h"
#include "measure/run/runner.h"
#include "moe/error.h"

namespace moe::measure {

struct Comparison {
  FakeDevice device;
  BenchRequest request;
  record::Run run;
  std::vector<record::Row> rows_done;  // in the order of finishing
  std::vector<std::string> statuses;
  int passes = 0;
  int interrupt_after_passes = 1 << 30;  // forward or backward calls that were timed

  Comparison() {
    request.model.name = "tiny";
    request.model.layer = tests::layer(32, 24, 8, 2);
    request.model.layer.rounding = {RoundingRule::nearest, 8};
    request.model.seq_len = 96;
    request.variants = default_labels(DeviceKind::cpu);
    request.sampling = {.min_samples = 3, .max_samples = 3, .time_cap_s = 60};
    device.before_timing = [this] { ++passes; };
  }

  /// What run_bench() returned.
  bool execute() {
    describe_run(request, run);
    run.gemm_ceiling_flops_per_s = 1e12;
    const BenchEvents events{[this](const std::string& text) { statuses.push_back(text); },
                             [this](const record::Row& row) { rows_done.push_back(row); },
                             [this] { return passes >= interrupt_after_passes; }};
    return run_bench(device, request, events, run);
  }

  const record::Row& row(const std::string& variant) const {
    for (const record::Row& each : run.rows) {
      if (each.variant == variant) return each;
    }
    throw std::runtime_error("there is no row " + variant);
  }
};

}  // namespace moe::measure
