// Two runs to a verdict per point. Pure: records in, a record out.
#pragma once

#include "record/comparison.h"

namespace moe::compare {

inline constexpr double kConfidence = 0.99;  // of intervals; the rank test's level is 1 % with it

struct CompareOptions {
  double threshold = 0.02;  // smallest change that counts
  bool each_pass = false;   // forward and backward besides the total
};

/// B seen from A. Points are matched by name; conflicts are listed, never refused: that is the
/// caller's decision.
record::Comparison compare_runs(const record::Run& a, const record::Run& b,
                                const CompareOptions& options);

/// The verdict of one pass. Neither has an empty list of samples.
record::PointComparison compare_timings(const record::Timing& a, const record::Timing& b,
                                        double threshold);

/// Takes a verdict back that the clocks of `point` may explain: they differ by more than 1 %, and
/// at equal clocks the change would be of another verdict.
void consider_clocks(record::PointComparison& point, double threshold);

/// What got worse, in words: points that are slower by more than `limit` ("sonic total +4.1 %"),
/// and those that B lost.
std::vector<std::string> regressions(const record::Comparison& comparison, double limit);

}  // namespace moe::compare
