// The closing sentence of a run: which variant to use here.
#pragma once

#include <string>

#include "record/record.h"

namespace moe::report {

/// Whether `a` is faster than `b` beyond what their samples leave open: the middle halves of both
/// do not overlap, nor all samples with a margin where there are too few for a noise figure.
bool clearly_faster(const record::Row& a, const record::Row& b);

/// Names the best variant that keeps the routing, its lead over the baseline and the next best, its
/// memory, and, beside it, a rounded one that is faster still. Says so when times are too close to
/// call or when rows have too few samples. One sentence without a newline.
std::string verdict(const record::Run& run);

}  // namespace moe::report
