// What is printed of a sweep: its points, each with a table of its own, and one table over all.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "record/record.h"
#include "report/text/table.h"

namespace moe::report {

/// Header lines that stand in the place of shape and routing: how many points over which fields,
/// and the points, abbreviated where they are many.
std::string sweep_lines(const record::Run& run);

/// One point: a line that names it, its table, its skips and warnings.
std::string point_text(const record::Run& run, std::size_t point);

/// A row per point: the time of every variant, and the fastest that keeps the routing.
TextTable sweep_rows(const record::Run& run);

/// Remarks that hold of the whole sweep. Without newlines.
std::vector<std::string> sweep_notes(const record::Run& run);

/// sweep_rows() as text with sweep_notes() under it.
std::string sweep_table(const record::Run& run);

}  // namespace moe::report
