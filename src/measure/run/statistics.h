// What samples say: quantiles and noise.
#pragma once

#include <vector>

#include "record/record.h"

namespace moe::measure {

/// Quantile by linear interpolation between order statistics (type 7); q in [0, 1]. `samples` not
/// empty.
double quantile(std::vector<double> samples, double q);

/// (q3 - q1) / median.
double relative_iqr(const std::vector<double>& samples);

/// Quantiles of samples; noise only with at least `min_samples` of them.
record::Timing summarize(std::vector<double> samples_s, int min_samples);

}  // namespace moe::measure
