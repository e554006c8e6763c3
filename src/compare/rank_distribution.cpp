// Subsets counted by their sum, one rank at a time (the shift algorithm of Streitberg and Roehmel,
// 1986). Doubles hold the counts: there are up to 1e14 of them.
#include "compare/rank_distribution.h"

#include <cmath>
#include <cstdlib>
#include <numeric>

namespace moe::compare {
namespace {

/// [sum] -> share of all subsets of `count` ranks that have this sum.
std::vector<double> shares_by_sum(const std::vector<int>& ranks, std::size_t count) {
  const int total = std::accumulate(ranks.begin(), ranks.end(), 0);
  const auto width = static_cast<std::size_t>(total) + 1;
  std::vector<std::vector<double>> ways(count + 1, std::vector<double>(width, 0.0));
  ways[0][0] = 1;
  for (const int rank : ranks) {
    const auto step = static_cast<std::size_t>(rank);
    for (std::size_t chosen = count; chosen > 0; --chosen) {
      for (std::size_t sum = step; sum < width; ++sum) {
        ways[chosen][sum] += ways[chosen - 1][sum - step];
      }
    }
  }
  std::vector<double> shares = ways[count];
  const double all = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share /= all;
  return shares;
}

std::size_t exact_cut(std::size_t m, std::size_t n, double tail) {
  std::vector<int> ranks;
  for (std::size_t i = 1; i <= m + n; ++i) ranks.push_back(static_cast<int>(i));
  const std::vector<double> shares = shares_by_sum(ranks, m);
  const std::size_t smallest_sum = m * (m + 1) / 2;
  std::size_t cut = 0;
  for (double below = shares[smallest_sum]; below <= tail; below += shares[smallest_sum + cut]) {
    ++cut;
  }
  return cut;
}

std::size_t normal_cut(std::size_t m, std::size_t n, double tail) {
  const double pairs = static_cast<double>(m * n);
  const double deviation = std::sqrt(pairs * static_cast<double>(m + n + 1) / 12);
  std::size_t cut = 0;
  const auto below = [&](std::size_t u) {
    return 0.5 * std::erfc((pairs / 2 - static_cast<double>(u) - 0.5) / deviation / std::sqrt(2.0));
  };
  while (below(cut) <= tail) ++cut;
  return cut;
}

}  // namespace

double exact_p(const std::vector<int>& doubled_ranks, std::size_t count, int sum) {
  const std::vector<double> shares = shares_by_sum(doubled_ranks, count);
  const int mean = static_cast<int>(count * (doubled_ranks.size() + 1));  // of doubled sums
  const int distance = std::abs(sum - mean);
  double p = 0;
  for (std::size_t s = 0; s < shares.size(); ++s) {
    if (std::abs(static_cast<int>(s) - mean) >= distance) p += shares[s];
  }
  return std::fmin(p, 1.0);
}

std::size_t pairs_to_cut(std::size_t m, std::size_t n, double confidence) {
  const double tail = (1 - confidence) / 2;
  return m + n <= kLargestExact ? exact_cut(m, n, tail) : normal_cut(m, n, tail);
}

}  // namespace moe::compare
