// The Mann-Whitney U test and the estimate that belongs to it. Both look at the order of samples
// only, so that a few slow outliers, which every machine has, do not decide.
#pragma once

#include <optional>
#include <vector>

namespace moe::compare {

struct RankTest {
  double p = 1;               // two-sided: exact for few samples, else normal with ties corrected
  double larger_share = 0.5;  // of all pairs (a, b): b is larger; ties count half. The effect size
};

/// Both not empty.
RankTest rank_test(const std::vector<double>& a, const std::vector<double>& b);

struct RatioEstimate {
  struct Interval {
    double low = 0, high = 0;
  };
  double ratio = 1;  // the median of all ratios b/a (Hodges and Lehmann, on logarithms)
  std::optional<Interval> interval;  // nothing when there are too few samples for `confidence`
};

/// How many times as large b is. All values positive, both not empty.
RatioEstimate estimate_ratio(const std::vector<double>& a, const std::vector<double>& b,
                             double confidence);

}  // namespace moe::compare
