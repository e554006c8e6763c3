// The verdict. It rests on three things, so that neither chance, nor a trifle that many samples
// prove, nor a shift small beside the spread is called a change: the rank test, the threshold, the
// effect size.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compare/compare_runs.h"
#include "compare/rank_test.h"

namespace moe::compare {
namespace {

using record::PointComparison;
using record::Timing;
using record::Verdict;

// "Large" after Vargha and Delaney (2000): this share of all pairs of samples agrees.
constexpr double kLargeEffect = 0.71;

bool all_positive(const Timing& timing) {
  for (const double sample : timing.samples_s) {
    if (!(sample > 0)) return false;
  }
  return true;
}

void decide(PointComparison& point, double threshold) {
  const bool is_proven = point.p < 1 - kConfidence;
  const bool is_large = std::abs(point.change) > threshold;
  const double agreeing = std::max(point.slower_share, 1 - point.slower_share);
  if (!point.change_low) {
    point.reason = "too few samples: 5 in each run are enough";
  } else if (-threshold <= *point.change_low && *point.change_high <= threshold) {
    point.verdict = Verdict::same;
  } else if (!is_proven) {
    point.reason = "may be chance: take more samples";
  } else if (!is_large) {
    point.reason = "a change, but perhaps below the threshold";
  } else if (agreeing < kLargeEffect) {
    point.reason = "small beside the spread of the samples";
  } else {
    point.verdict = point.change > 0 ? Verdict::slower : Verdict::faster;
  }
}

}  // namespace

PointComparison compare_timings(const Timing& a, const Timing& b, double threshold) {
  PointComparison point;
  point.a_median_s = a.median_s;
  point.b_median_s = b.median_s;
  point.a_samples = static_cast<std::int64_t>(a.samples_s.size());
  point.b_samples = static_cast<std::int64_t>(b.samples_s.size());
  if (!all_positive(a) || !all_positive(b)) {
    point.reason = "a sample is below the resolution of the clock";
    return point;
  }
  const RankTest test = rank_test(a.samples_s, b.samples_s);
  const RatioEstimate estimate = estimate_ratio(a.samples_s, b.samples_s, kConfidence);
  point.change = estimate.ratio - 1;
  if (estimate.interval) {
    point.change_low = estimate.interval->low - 1;
    point.change_high = estimate.interval->high - 1;
  }
  point.p = test.p;
  point.slower_share = test.larger_share;
  decide(point, threshold);
  return point;
}

void consider_clocks(PointComparison& point, double threshold) {
  constexpr double kSameClock = 0.01;
  if (!point.a_core_mhz || !point.b_core_mhz || *point.a_core_mhz <= 0) return;
  const double clock = *point.b_core_mhz / *point.a_core_mhz;
  if (std::abs(clock - 1) <= kSameClock || point.verdict == Verdict::unclear) return;
  const double at_equal_clocks = (1 + point.change) * clock - 1;
  const bool was_large = point.verdict != Verdict::same;
  const bool is_large = std::abs(at_equal_clocks) > threshold;
  if (was_large == is_large && (!is_large || at_equal_clocks * point.change > 0)) return;
  point.verdict = Verdict::unclear;
  point.reason = fmt::format("the clock moved {:+.1f} %: {:+.1f} % at equal clocks",
                             100 * (clock - 1), 100 * at_equal_clocks);
}

}  // namespace moe::compare
