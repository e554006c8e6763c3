// tokens/s -> tokens/day -> days -> GPU-hours -> money.
#include "model/step/cost.h"

#include <fmt/format.h>

#include "moe/error.h"

namespace moe::model {
namespace {

constexpr double kSecondsPerDay = 86'400;
constexpr double kHoursPerDay = 24;

// Beyond these a value is a slip of the hand.
constexpr double kMostTokens = 1e18;
constexpr double kMostPrice = 10'000;   // USD per GPU-hour
constexpr double kMostWatts = 100'000;  // of one GPU
constexpr double kMostPue = 10;

bool is_within(double value, double least, double most) {
  return value >= least && value <= most;  // false for NaN
}

void require(bool holds, const char* what, const char* remedy) {
  if (!holds) throw Error(ErrorKind::usage, what, "", remedy);
}

void check_rules(double tokens_per_s_per_gpu, const CostRules& rules) {
  require(tokens_per_s_per_gpu > 0, "no tokens per second", "a rate above zero is needed");
  require(rules.gpus >= 1, "no GPU", "give at least 1");
  require(rules.tokens_total > 0 && rules.tokens_total <= kMostTokens,
          "tokens in all outside (0, 1e18]", "give a number as 1T");
  require(is_within(rules.price_per_gpu_hour, 0, kMostPrice),
          "price outside [0, 10,000] USD per GPU-hour", "give it as 3.50");
  require(rules.goodput > 0 && rules.goodput <= 1, "goodput outside (0, 1]",
          "it is the share of time that advances the work, as 0.95");
  require(is_within(rules.gpu_watts, 0, kMostWatts), "power of a GPU outside [0, 100,000] W",
          "give it as 700");
  require(is_within(rules.pue, 1, kMostPue), "PUE outside [1, 10]",
          "it is the building's power per power of the machines, as 1.2");
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
