// The model held against published runs: fit a few common factors on some, judge it on the others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/published/published_points.h"
#include "model/step/factors.h"
#include "model/step/step_time.h"

namespace moe::model {

inline constexpr double kGoodError = 0.15;  // of tokens per second, either way
inline constexpr int kWantedGood = 8;       // points that should be as near

/// Model and publication of one point.
struct PointResult {
  std::string name, source, assumed;
  std::string unit;  // "tokens/s per GPU" or "TFLOP/s"
  double published = 0;
  double low = 0, base = 0, high = 0;
  bool fitted = false;
  StepParts parts;  // base case; all 0 for a layer

  double error() const { return base / published - 1; }
  bool is_good() const { return error() <= kGoodError && error() >= -kGoodError; }
};

struct Validation {
  std::vector<PointResult> points;
  int good = 0;    // of all points
  int judged = 0;  // points that were not fitted
  int judged_good = 0;
};

/// Names of the factors that fit() changes.
std::vector<std::string_view> fitted_factors();

/// `start` with the fitted factors moved to the least sum of squared log errors on the runs that
/// are marked `fit`, by a search along each factor. Throws Error{usage} when none is marked.
Factors fit(const std::vector<PublishedRun>& runs, const Factors& start);

/// Every point under these factors. `base` may be fit()'s; low and high as shipped.
Validation validate(const PublishedPoints& points, const FactorRange& factors);

}  // namespace moe::model
