// The load balance of every layer of a trace.
#pragma once

#include <filesystem>

#include "record/trace_summary.h"

namespace moe::measure {

/// Throws Error{usage} for a file that is no trace or a broken one.
record::TraceSummary summarize_trace(const std::filesystem::path& file);

}  // namespace moe::measure
