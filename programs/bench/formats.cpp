// The files of a run's folder, on stdout.
#include "bench/formats.h"

#include "record/json.h"
#include "report/bench/bench_report.h"

namespace moe::programs {

std::string formatted(const record::Run& run, Format format) {
  switch (format) {
    case Format::csv: return report::csv_report(run);
    case Format::json: return record::to_json(run);
    case Format::md: return report::markdown_report(run);
    case Format::text: return "";
    case Format::jsonl: break;
  }
  std::string lines;
  for (const record::Row& row : run.rows) lines += record::to_json(row) + "\n";
  return lines;
}

}  // namespace moe::programs
