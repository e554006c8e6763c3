// Work of a plan, and the least time that a device needs for it: each step takes the longer of its
// arithmetic and its traffic. A model, to be compared with measurements.
#pragma once

#include "model/cluster/gpu_presets.h"
#include "moe/variant.h"

namespace moe::model {

struct Work {
  double flops = 0;
  double bytes = 0;  // to and from device memory, the fewest: each operand of a step once

  Work& operator+=(const Work& other) {
    flops += other.flops;
    bytes += other.bytes;
    return *this;
  }
};

/// Rates to turn work into time, per second.
struct Rates {
  double flops = 0;
  double bytes = 0;       // device memory
  double link_bytes = 0;  // to other devices, one direction; 0 = there are none
  double host_bytes = 0;  // to host memory, one direction; 0 = it is the host's
};

Rates attainable_rates(const GpuPreset& gpu);
Rates measured_rates(const Ceilings& ceilings);

Work forward_work(const Plan& plan);
Work backward_work(const Plan& plan);

/// Seconds, step by step.
double least_seconds(const std::vector<Step>& steps, const Rates& rates);

}  // namespace moe::model
