// What bench_moe_variants prints and saves of a run. All functions are pure: a Run in, text out.
// Lines end with a newline unless said.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "record/record.h"
#include "report/text/table.h"

namespace moe::report {

/// What is known before anything is timed.
struct Estimate {
  double seconds = 0;             // of the whole run; 0 = unknown
  std::int64_t needed_bytes = 0;  // by the variant that needs most, weights and gradients included
  std::int64_t free_bytes = 0;    // on the device; 0 = unknown
};

/// "# ..." lines: program, device, ceiling, shape, memory and time expected.
std::string header_text(const record::Run& run, const Estimate& estimate);

/// One row per variant that ran or failed; skipped ones stand in bench_notes().
TextTable bench_rows(const record::Run& run);

/// Remarks that belong under the table: skips, rounded rows, marks, a missing baseline. Without
/// newlines.
std::vector<std::string> bench_notes(const record::Run& run);

/// bench_rows() as text with bench_notes() under it. In colour what failed stands out.
std::string bench_table(const record::Run& run, bool in_color = false);

/// Load balance of each routing that rows ran with, and what rounding did to it.
std::string load_text(const record::Run& run);

/// What was compared with the truth and how it went, for the progress line. Without a newline.
std::string checks_text(const record::Row& row);

/// The whole run as a Markdown page (table.md).
std::string markdown_report(const record::Run& run);

/// Every row with SI units and plain numbers (table.csv); empty cells are absent values.
std::string csv_report(const record::Run& run);

}  // namespace moe::report
