// The breakdown of a run: where the time of each variant goes, step by step.
#pragma once

#include <string>

#include "record/record.h"

namespace moe::report {

/// A table per variant that has a breakdown: ms, rates and the share of the step's own floor, with
/// the host's time to issue each phase below it. Empty when no row has one.
std::string breakdown_text(const record::Run& run);

}  // namespace moe::report
