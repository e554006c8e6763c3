// What rows of one shape say, once all have their times: their share of the dense bound, whether it
// is a fair bar, whether their clocks were alike, and whether rounding was safe. (Speed-ups:
// record/sweep.h.)
#pragma once

#include "record/record.h"

namespace moe::measure {

/// FLOP/s of the credited pairs in every phase that has a time; the row has a total.
record::Phases phase_rates(const record::Run& run, const record::Row& row);

/// Row::dense_bound_flops_per_s and dense_bound_fraction, where the dense bound was measured.
void compare_with_dense_bound(record::Run& run);

/// Adds a warning when experts are far from equal and rows were compared with the dense bound,
/// whose experts are.
void warn_about_uneven_experts(record::Run& run);

/// Adds warnings of rows whose rounding left tokens without any expert, or has few rows per expert.
void warn_about_rounding(record::Run& run);

/// Adds a warning when the median clocks of two rows differ: their times are not comparable.
void warn_about_clocks(record::Run& run);

}  // namespace moe::measure
