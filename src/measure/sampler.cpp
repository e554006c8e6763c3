// The rounds and their stop rule.
#include "measure/sampler.h"

#include <algorithm>
#include <chrono>

#include "measure/statistics.h"

namespace moe::measure {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool is_finished(const std::vector<PassSeconds>& samples, const SamplerOptions& options) {
  const int count = static_cast<int>(samples.size());
  if (count < options.min_samples) return false;
  if (count >= options.max_samples) return true;
  std::vector<double> totals;
  for (const PassSeconds& sample : samples) totals.push_back(sample.total());
  return relative_iqr(totals) <= options.noise_target;
}

}  // namespace

Sampling sample_in_turn(const std::vector<std::function<PassSeconds()>>& variants,
                        const SamplerOptions& options,
                        const std::function<void(int, double)>& after_round,
                        const std::function<bool()>& interrupted) {
  Sampling sampling;
  sampling.samples.resize(variants.size());
  const auto start = Clock::now();
  double longest_round_s = 0;
  for (int round = 0;; ++round) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < variants.size(); ++i) {
      if (!is_finished(sampling.samples[i], options)) order.push_back(i);
    }
    if (order.empty()) return sampling;
    if (round % 2 == 1) std::reverse(order.begin(), order.end());
    if (round > 0 && seconds_since(start) + longest_round_s > options.time_cap_s) return sampling;

    const double round_start_s = seconds_since(start);
    for (std::size_t i : order) {
      sampling.samples[i].push_back(variants[i]());
      if (interrupted()) {
        sampling.interrupted = true;
        return sampling;
      }
    }
    longest_round_s = std::max(longest_round_s, seconds_since(start) - round_start_s);
    after_round(round + 1, options.time_cap_s - seconds_since(start));
  }
}

}  // namespace moe::measure
