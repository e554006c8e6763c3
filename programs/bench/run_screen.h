// What `run` prints, before it measures and after.
#pragma once

#include <string>
#include <vector>

#include "cli/sweep.h"
#include "measure/run/runner.h"
#include "record/record.h"

namespace moe::programs {

/// What each point needs, in the order of run.points.
std::vector<measure::BenchEstimate> estimate_all(
    Device& device, const std::vector<measure::BenchRequest>& requests);

/// The lines that begin with "#": program, device, ceilings, shape or points, memory, expected
/// time.
std::string header_screen(const Sweep& sweep, const std::vector<measure::BenchRequest>& requests,
                          const std::vector<measure::BenchEstimate>& needs, const record::Run& run);

/// Per point and variant its bytes, and whether it would run.
std::string dry_run_screen(const Sweep& sweep, const std::vector<measure::BenchEstimate>& needs);

/// Under the header of a finished run: tables, load lines, warnings, verdict.
std::string results_screen(const record::Run& run, bool in_color);

}  // namespace moe::programs
