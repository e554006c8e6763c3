// From tokens per second to days, GPU-hours, money and energy: the chain of units, written once.
#pragma once

#include <cstdint>

namespace moe::model {

struct CostRules {
  std::int64_t gpus = 1;
  double tokens_total = 1e12;
  double price_per_gpu_hour = 3.50;  // USD
  double goodput = 1;                // share of the time that advances the work, in (0, 1]
  double gpu_watts = 0;              // mean electric power of one GPU with its share of the host
  double pue = 1;                    // power of the building per power of the machines
};

/// All for `tokens_total` tokens, except rates. Hours count all the time that is paid for: lost
/// time (goodput below 1) makes them more.
struct Cost {
  double tokens_per_s = 0;    // all GPUs, while it runs
  double tokens_per_day = 0;  // with lost time
  double days = 0;
  double gpu_days = 0;
  double gpu_hours = 0;
  double usd = 0;
  double usd_per_million_tokens = 0;
  double energy_kwh = 0;
};

/// Throws Error{usage} for rules without meaning (no GPU, a price below 0, goodput above 1).
Cost cost_of(double tokens_per_s_per_gpu, const CostRules& rules);

/// Share of `peak_flops_per_s` that useful arithmetic reaches. Throws Error{internal} above 1: more
/// than the datasheet is a defect of the numbers, never a result.
double utilization(double tokens_per_s_per_gpu, double flop_per_token, double peak_flops_per_s);

}  // namespace moe::model
