// Finds both runs, refuses what cannot be compared, prints, and judges at last.
#include "bench/compare_command.h"

#include <iostream>

#include "compare/compare_runs.h"
#include "config/nearest_name.h"
#include "moe/error.h"
#include "record/json.h"
#include "record/store.h"
#include "report/bench/compare_report.h"

namespace moe::programs {
namespace {

using record::Comparison;
using record::Run;

void refuse_conflicts(const Comparison& comparison) {
  std::string conflicts;
  for (const record::Difference& conflict : comparison.conflicts) {
    conflicts +=
        (conflicts.empty() ? "" : "; ") + conflict.field + " " + conflict.a + " and " + conflict.b;
  }
  throw Error(ErrorKind::usage, "the runs are not of the same thing", conflicts,
              "--force compares them all the same");
}

std::string formatted(const Comparison& comparison, const Run& a, const Run& b,
                      const ScreenOptions& screen) {
  switch (screen.format) {
    case Format::csv: return report::compare_csv(comparison);
    case Format::json: return record::to_json(comparison);
    case Format::md: return report::compare_markdown(comparison, a, b);
    case Format::text: break;
    case Format::jsonl: {
      std::string lines;
      for (const auto& point : comparison.points) lines += record::to_json(point) + "\n";
      return lines;
    }
  }
  return report::compare_header(comparison, a, b) +
         report::compare_text(comparison, is_painted(screen, 1));
}

void judge(const Comparison& comparison, double limit) {
  const std::vector<std::string> found = compare::regressions(comparison, limit);
  if (found.empty()) return;
  throw Error(ErrorKind::regression, "B is worse than --fail-on-regression allows",
              config::listed(found));
}

}  // namespace

int compare_command(const BenchOptions& options) {
  const CompareFlags& flags = options.compare;
  const Run a = record::load_run(record::find_run(options.out, flags.a));
  const Run b = record::load_run(record::find_run(options.out, flags.b));
  const Comparison comparison = compare::compare_runs(a, b, {flags.threshold, flags.each_pass});
  if (!comparison.conflicts.empty() && !flags.force) refuse_conflicts(comparison);
  if (comparison.points.empty()) {
    throw Error(ErrorKind::usage, "there is nothing to compare",
                "no variant has a time in both " + a.id + " and " + b.id);
  }
  std::cout << formatted(comparison, a, b, options.screen) << std::flush;
  if (flags.fail_on_regression) judge(comparison, *flags.fail_on_regression);
  return 0;
}

}  // namespace moe::programs
