// Strategies of a memory analysis: inside this room only.
#pragma once

#include "measure/memory_analysis.h"

namespace moe::measure {

/// Adds to run.strategies each strategy on each row that is not rounded; with several strategies a
/// last line per row, "all of these", has them applied one after the other.
void predict_strategies(const MemoryTarget& target, const MemoryRequest& request,
                        record::MemoryRun& run);

/// Readings for those that a layer of this library runs. Returns false when interrupted.
bool measure_strategies(MemoryMeter& meter, const MemoryTarget& target,
                        const MemoryRequest& request, const MemoryEvents& events,
                        record::MemoryRun& run);

}  // namespace moe::measure
