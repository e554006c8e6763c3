// What `run` prints before it measures.
#pragma once

#include <string>

#include "measure/runner.h"
#include "record/record.h"

namespace moe::programs {

/// The lines that begin with "#": program, device, ceilings, shape, memory and expected time.
std::string header_screen(const measure::BenchRequest& request, const measure::BenchEstimate& needs,
                          const record::Run& run);

/// Per variant its bytes, and whether it would run.
std::string dry_run_screen(const measure::BenchEstimate& needs);

}  // namespace moe::programs
