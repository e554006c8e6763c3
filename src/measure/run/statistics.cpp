// Order statistics.
#include "measure/run/statistics.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace moe::measure {

double quantile(std::vector<double> samples, double q) {
  std::sort(samples.begin(), samples.end());
  const double position = q * static_cast<double>(samples.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(position));
  const std::size_t above = std::min(below + 1, samples.size() - 1);
  const double fraction = position - static_cast<double>(below);
  return samples[below] + fraction * (samples[above] - samples[below]);
}

double relative_iqr(const std::vector<double>& samples) {
  return (quantile(samples, 0.75) - quantile(samples, 0.25)) / quantile(samples, 0.5);
}

record::Timing summarize(std::vector<double> samples_s, int min_samples) {
  record::Timing timing;
  timing.median_s = quantile(samples_s, 0.5);
  timing.q1_s = quantile(samples_s, 0.25);
  timing.q3_s = quantile(samples_s, 0.75);
  timing.p5_s = quantile(samples_s, 0.05);
  timing.p95_s = quantile(samples_s, 0.95);
  if (static_cast<int>(samples_s.size()) >= min_samples) timing.noise = relative_iqr(samples_s);
  timing.samples_s = std::move(samples_s);
  return timing;
}

}  // namespace moe::measure
