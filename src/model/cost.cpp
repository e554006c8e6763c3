// tokens/s -> tokens/day -> days -> GPU-hours -> money.
#include "model/cost.h"

#include <fmt/format.h>

#include "moe/error.h"

namespace moe::model {
namespace {

constexpr double kSecondsPerDay = 86'400;
constexpr double kHoursPerDay = 24;

void require(bool holds, const char* what, const char* remedy) {
  if (!holds) throw Error(ErrorKind::usage, what, "", remedy);
}

void check_rules(double tokens_per_s_per_gpu, const CostRules& rules) {
  require(tokens_per_s_per_gpu > 0, "no tokens per second", "a rate above zero is needed");
  require(rules.gpus >= 1, "no GPU", "give at least 1");
  require(rules.tokens_total > 0, "no tokens in all", "give more than 0, as 1T");
  require(rules.price_per_gpu_hour >= 0, "negative price", "give USD per GPU-hour, as 3.50");
  require(rules.goodput > 0 && rules.goodput <= 1, "goodput outside (0, 1]",
          "it is the share of time that advances the work, as 0.95");
  require(rules.gpu_watts >= 0 && rules.pue >= 1, "power without meaning",
          "give watts of at least 0 and a PUE of at least 1");
}

}  // namespace

Cost cost_of(double tokens_per_s_per_gpu, const CostRules& rules) {
  check_rules(tokens_per_s_per_gpu, rules);
  Cost cost;
  cost.tokens_per_s = tokens_per_s_per_gpu * static_cast<double>(rules.gpus);
  cost.tokens_per_day = cost.tokens_per_s * kSecondsPerDay * rules.goodput;
  cost.days = rules.tokens_total / cost.tokens_per_day;
  cost.gpu_days = cost.days * static_cast<double>(rules.gpus);
  cost.gpu_hours = cost.gpu_days * kHoursPerDay;
  cost.usd = cost.gpu_hours * rules.price_per_gpu_hour;
  cost.usd_per_million_tokens = cost.usd / rules.tokens_total * 1e6;
  cost.energy_kwh = cost.gpu_hours * rules.gpu_watts / 1000 * rules.pue;
  return cost;
}

double utilization(double tokens_per_s_per_gpu, double flop_per_token, double peak_flops_per_s) {
  const double share = tokens_per_s_per_gpu * flop_per_token / peak_flops_per_s;
  if (share <= 1) return share;
  throw Error(ErrorKind::internal, fmt::format("{:.0f} % of the GPU's datasheet peak", 100 * share),
              fmt::format("{:.4g} tokens/s per GPU at {:.4g} FLOP per token need {:.4g} FLOP/s of "
                          "{:.4g}",
                          tokens_per_s_per_gpu, flop_per_token,
                          tokens_per_s_per_gpu * flop_per_token, peak_flops_per_s));
}

}  // namespace moe::model
