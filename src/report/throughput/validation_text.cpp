// Two tables with a closing line.
#include "report/throughput/validation_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/text/format.h"
#include "report/text/table.h"

namespace moe::report {
namespace {

std::string amount(double value) {
  return value >= 1000 ? format_integer(static_cast<std::int64_t>(value + 0.5))
                       : format_number(value, value, 4);
}

}  // namespace

std::string validation_text(const model::Validation& validation, const model::Factors& fitted) {
  std::string text = "# fitted  ";
  for (std::string_view name : model::fitted_factors()) {
    for (const model::FactorRule& rule : model::factor_rules()) {
      if (rule.name == name) text += fmt::format(" {} {:.3g}", name, fitted.*rule.member);
    }
  }
  TextTable table;
  table.header = {"published point", "published", "low", "model", "high", "error", "", "unit"};
  table.alignment.assign(table.header.size(), Align::right);
  table.alignment.front() = table.alignment[6] = table.alignment[7] = Align::left;
  for (const model::PointResult& point : validation.points) {
    table.rows.push_back({point.name, amount(point.published), amount(point.low),
                          amount(point.base), amount(point.high),
                          fmt::format("{:+.1f} %", 100 * point.error()),
                          point.fitted      ? "fitted"
                          : point.is_good() ? "near"
                                            : "MISSED",
                          point.unit});
  }
  text += "\n" + to_text(table);
  for (const model::PointResult& point : validation.points) {
    if (!point.assumed.empty()) text += fmt::format("assumed: {}: {}\n", point.name, point.assumed);
  }
  return text + fmt::format(
                    "{} of {} points within {:.0f} % (wanted: {}); of the {} that were not "
                    "fitted, {}\n",
                    validation.good, validation.points.size(), 100 * model::kGoodError,
                    model::kWantedGood, validation.judged, validation.judged_good);
}

std::string table_check_text(const model::TableCheck& check) {
  std::string text = "# " + check.title + "\n";
  if (!check.source.empty()) text += "# source   " + check.source + "\n";
  std::string table;
  for (const model::Finding& finding : check.findings) {
    if (finding.table != table) text += "\n" + finding.table + "\n";
    table = finding.table;
    text += fmt::format("{:<13}  {}, {}: {}\n", name_of(finding.verdict), finding.column,
                        finding.entry, finding.text);
  }
  const auto count = [&](model::Verdict verdict) {
    return std::count_if(check.findings.begin(), check.findings.end(),
                         [&](const model::Finding& f) { return f.verdict == verdict; });
  };
  return text + fmt::format(
                    "\n{} findings: {} consistent, {} plausible, {} contradictions, {} "
                    "impossible\n",
                    check.findings.size(), count(model::Verdict::consistent),
                    count(model::Verdict::plausible), count(model::Verdict::contradiction),
                    count(model::Verdict::impossible));
}

}  // namespace moe::report
