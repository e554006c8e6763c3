// Sums over the steps of a plan.
#include "model/layer/work.h"

#include <algorithm>

namespace moe::model {
namespace {

Work sum(const std::vector<Step>& steps) {
  Work work;
  for (const Step& step : steps) work += {step.flops, step.bytes};
  return work;
}

}  // namespace

Rates attainable_rates(const GpuPreset& gpu) {
  return {gpu.attainable_flops_per_s(), gpu.attainable_bytes_per_s(), gpu.nvlink_bytes_per_s,
          gpu.pcie_bytes_per_s};
}

Rates measured_rates(const Ceilings& ceilings) {
  return {ceilings.gemm_flops_per_s, ceilings.copy_bytes_per_s, 0, 0};
}

Work forward_work(const Plan& plan) {
  return sum(plan.forward);
}

Work backward_work(const Plan& plan) {
  return sum(plan.backward);
}

double least_seconds(const std::vector<Step>& steps, const Rates& rates) {
  double seconds = 0;
  for (const Step& step : steps) {
    seconds += std::max(step.flops / rates.flops, step.bytes / rates.bytes);
  }
  return seconds;
}

}  // namespace moe::model
