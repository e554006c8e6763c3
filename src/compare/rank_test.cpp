// Ranks, their test, and the ratios of all pairs.
#include "compare/rank_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compare/rank_distribution.h"

namespace moe::compare {
namespace {

struct Ranking {
  std::vector<int> doubled;  // rank of each value, twice: tied values share the mean of their ranks
  double tie_correction = 0;  // sum of t^3 - t over groups of t equal values
};

Ranking ranking_of(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  Ranking ranking{std::vector<int>(values.size())};
  for (std::size_t first = 0, end = 0; first < order.size(); first = end) {
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    // Ranks first+1 ... end have the mean (first + 1 + end) / 2.
    for (std::size_t i = first; i < end; ++i) {
      ranking.doubled[order[i]] = static_cast<int>(first + 1 + end);
    }
    const auto ties = static_cast<double>(end - first);
    ranking.tie_correction += ties * ties * ties - ties;
  }
  return ranking;
}

double normal_p(double u, double m, double n, double tie_correction) {
  const double total = m + n;
  const double variance = m * n / 12 * (total + 1 - tie_correction / (total * (total - 1)));
  if (variance <= 0) return 1;  // all values are equal
  const double distance = std::max(0.0, std::abs(u - m * n / 2) - 0.5);
  return std::erfc(distance / std::sqrt(2 * variance));
}

}  // namespace

RankTest rank_test(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> all = b;
  all.insert(all.end(), a.begin(), a.end());
  const Ranking ranking = ranking_of(all);
  const auto end_of_b = ranking.doubled.begin() + static_cast<std::ptrdiff_t>(b.size());
  const int doubled_sum = std::accumulate(ranking.doubled.begin(), end_of_b, 0);
  const auto m = static_cast<double>(a.size()), n = static_cast<double>(b.size());
  const double u = doubled_sum / 2.0 - n * (n + 1) / 2;  // pairs in which b is larger
  RankTest test;
  test.larger_share = u / (m * n);
  test.p = all.size() <= kLargestExact ? exact_p(ranking.doubled, b.size(), doubled_sum)
                                       : normal_p(u, m, n, ranking.tie_correction);
  return test;
}

RatioEstimate estimate_ratio(const std::vector<double>& a, const std::vector<double>& b,
                             double confidence) {
  std::vector<double> ratios;
  ratios.reserve(a.size() * b.size());
  for (const double x : a) {
    for (const double y : b) ratios.push_back(y / x);
  }
  std::sort(ratios.begin(), ratios.end());
  const std::size_t count = ratios.size();
  RatioEstimate estimate;
  estimate.ratio = std::sqrt(ratios[(count - 1) / 2] * ratios[count / 2]);
  const std::size_t cut = pairs_to_cut(a.size(), b.size(), confidence);
  if (cut > 0) estimate.interval = {ratios[cut - 1], ratios[count - cut]};
  return estimate;
}

}  // namespace moe::compare
