// A sweep, taken apart: what is said of one shape holds of each of its points.
#pragma once

#include <string>
#include <vector>

#include "record/record.h"

namespace moe::record {

/// "tokens=512 top_k=2": the point's values, in the order of run.swept.
std::string point_label(const Run& run, const Point& point);

/// Every point as a run of one shape with its own rows, for whatever reads one shape; a run without
/// points is returned as it is. Rows of a point that the run does not have are left out.
std::vector<Run> points_of(const Run& run);

/// Fills in `speedup` of every row with a time, from the baseline's row at the same point. Rows
/// keep what they had where the baseline has no time.
void compare_with_baseline(Run& run);

}  // namespace moe::record
