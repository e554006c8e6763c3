// A trace in words and figures: what it holds and how even its layers are.
#pragma once

#include <string>

#include "record/trace_summary.h"

namespace moe::report {

/// "T=4096 E=64 K=8, 16 layers"
std::string trace_shape_text(const record::TraceSummary& trace);

/// Header lines, a table with one row per layer, and the flags that replay it.
std::string trace_text(const record::TraceSummary& trace);

}  // namespace moe::report
