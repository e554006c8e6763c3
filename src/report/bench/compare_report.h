// What `compare` prints. Pure: records in, text out.
#pragma once

#include <string>

#include "record/comparison.h"
#include "report/text/table.h"

namespace moe::report {

/// "# ..." lines: both runs, what they share, and where their environments part.
std::string compare_header(const record::Comparison& comparison, const record::Run& a,
                           const record::Run& b);

/// A row per point: medians, change, interval, p, effect size, verdict.
TextTable compare_rows(const record::Comparison& comparison);

/// The table, remarks and lost points under it, and the summary.
std::string compare_text(const record::Comparison& comparison, bool in_color);

/// "1 faster, 0 slower, 3 same, 1 unclear; ...". Without a newline.
std::string compare_summary(const record::Comparison& comparison);

/// The whole comparison as a Markdown page.
std::string compare_markdown(const record::Comparison& comparison, const record::Run& a,
                             const record::Run& b);

/// A row per point with SI units and plain numbers; empty cells are absent values.
std::string compare_csv(const record::Comparison& comparison);

}  // namespace moe::report
