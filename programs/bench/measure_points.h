// The points of a run, one after the other.
#pragma once

#include <functional>
#include <vector>

#include "cli/progress.h"
#include "measure/run/runner.h"
#include "record/store.h"

namespace moe::programs {

/// Measures this machine's ceilings for every type among the points that have none yet.
void measure_ceilings(Device& device, Progress& progress, record::Run& run);

/// Gives the requests the rows that `store` holds already.
void keep_finished(const record::RunStore& store, std::vector<measure::BenchRequest>& requests);

/// Measures what is not finished yet, and keeps each row in `store` as soon as it is.
/// Fills in rows, warnings and verdicts of `run`; `point_done` is called after each point. Returns
/// false when interrupted.
bool measure_points(Device& device, const std::vector<measure::BenchRequest>& requests,
                    const record::RunStore& store, Progress& progress,
                    const std::function<void(std::size_t point)>& point_done, record::Run& run);

}  // namespace moe::programs
