// Every sample of a run, for statistics of one's own.
#pragma once

#include <string>

#include "record/record.h"

namespace moe::report {

/// One line per sample: the swept fields, variant, number of the sample, seconds of each pass; an
/// empty cell is an absent value.
std::string samples_csv(const record::Run& run);

}  // namespace moe::report
