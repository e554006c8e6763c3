// The picture of a memory run.
#pragma once

#include "record/memory_run.h"
#include "report/plot/plots.h"

namespace moe::report {

/// memory_breakdown: one stacked bar per variant, what lies in memory at its peak, and the
/// capacity.
PlotSource memory_plot(const record::MemoryRun& run);

}  // namespace moe::report
