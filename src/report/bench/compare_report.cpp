// Two runs side by side.
#include "report/bench/compare_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/bench/row_facts.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

using record::Comparison;
using record::Difference;
using record::PointComparison;
using record::Run;
using record::Verdict;

std::string change_text(double change) {
  return fmt::format("{:+.1f} %", 100 * change);
}

std::string interval_text(const PointComparison& point) {
  if (!point.change_low) return "-";
  return fmt::format("{:+.1f} to {:+.1f} %", 100 * *point.change_low, 100 * *point.change_high);
}

std::string p_text(double p) {
  return p < 0.0001 ? "<0.0001" : fmt::format("{:.2g}", p);
}

Tone tone_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::faster: return Tone::good;
    case Verdict::slower: return Tone::bad;
    case Verdict::unclear: return Tone::doubt;
    case Verdict::same: return Tone::plain;
  }
  return Tone::plain;
}

std::string verdict_text(const PointComparison& point) {
  const std::string name(name_of(point.verdict));
  return point.reason.empty() ? name : name + " (" + point.reason + ")";
}

std::string clocks_text(const PointComparison& point) {
  const auto mhz = [](const std::optional<double>& clock) {
    return clock ? fmt::format("{:.0f}", *clock) : std::string("-");
  };
  return mhz(point.a_core_mhz) + "/" + mhz(point.b_core_mhz);
}

std::string name_text(const PointComparison& point) {
  return point.pass == "total" ? point.point : point.point + " " + point.pass;
}

/// "git_commit 1a2b3c4 -> 5d6e7f8"
std::string difference_text(const Difference& difference) {
  const auto shown = [](const std::string& value) { return value.empty() ? "none" : value; };
  return difference.field + " " + shown(difference.a) + " -> " + shown(difference.b);
}

std::string differences_text(const std::vector<Difference>& differences) {
  std::string text;
  for (const Difference& difference : differences) {
    text += (text.empty() ? "" : " | ") + difference_text(difference);
  }
  return text.empty() ? "nothing in the environment" : text;
}

std::string run_text(const Run& run) {
  return fmt::format("{}   git {}", run.id, commit_text(run.environment));
}

/// "6 points over tokens, dtype; the first is ", or nothing for a run of one shape.
std::string sweep_text(const Run& run) {
  if (run.points.empty()) return "";
  std::string fields;
  for (const std::string& field : run.swept) fields += (fields.empty() ? "" : ", ") + field;
  return fmt::format("{} points over {}; the first is ", run.points.size(), fields);
}

/// What this machine gave to one large GEMM right before each run: a change of both is no merit of
/// B's code.
std::string ceiling_text(const Comparison& comparison) {
  const double a = comparison.a_gemm_ceiling_flops_per_s, b = comparison.b_gemm_ceiling_flops_per_s;
  if (a <= 0 || b <= 0) return "";
  return fmt::format("{} -> {} in one large GEMM ({})", format_flops_rate(a), format_flops_rate(b),
                     change_text(b / a - 1));
}

std::vector<std::string> warnings_of(const Comparison& comparison) {
  std::vector<std::string> warnings;
  for (const Difference& conflict : comparison.conflicts) {
    warnings.push_back("not the same " + conflict.field + ": " + conflict.a + " and " + conflict.b);
  }
  const double a = comparison.a_gemm_ceiling_flops_per_s, b = comparison.b_gemm_ceiling_flops_per_s;
  if (a > 0 && b > 0 && std::abs(b / a - 1) > comparison.threshold) {
    warnings.push_back("the machine or its GEMM library changed (ceiling " +
                       change_text(b / a - 1) +
                       "): changes of that size may not come from the code");
  }
  return warnings;
}

std::vector<std::string> notes_of(const Comparison& comparison) {
  std::vector<std::string> notes = comparison.remarks;
  for (const std::string& lost : comparison.lost) notes.push_back("lost: " + lost);
  return notes;
}

}  // namespace

std::string compare_header(const Comparison& comparison, const Run& a, const Run& b) {
  std::string text = fmt::format("# A        {}\n# B        {}\n", run_text(a), run_text(b));
  text +=
      fmt::format("# device   {} {}, {} {}\n", a.environment.device_kind, a.environment.device_name,
                  a.environment.num_cores, a.environment.device_kind == "cpu" ? "threads" : "SM");
  text += fmt::format("# shape    {}: {}{}\n", a.model.name, sweep_text(a), shape_text(a));
  text += fmt::format("# routing  {}, seed {} | {}\n", a.traffic, a.seed, mode_in_words(a));
  text += "# differs  " + differences_text(comparison.differences) + "\n";
  const std::string ceiling = ceiling_text(comparison);
  return ceiling.empty() ? text : text + "# ceiling  " + ceiling + "\n";
}

TextTable compare_rows(const Comparison& comparison) {
  double largest_s = 0;
  for (const PointComparison& point : comparison.points) {
    largest_s = std::max({largest_s, point.a_median_s, point.b_median_s});
  }
  const Scale time = time_scale(largest_s);
  const auto cell = [&](double seconds) {
    return format_number(seconds * time.factor, largest_s * time.factor, 4);
  };
  const bool with_clocks = std::any_of(
      comparison.points.begin(), comparison.points.end(),
      [](const PointComparison& point) { return point.a_core_mhz || point.b_core_mhz; });
  TextTable table;
  table.header = {"point",
                  "A " + time.unit,
                  "B " + time.unit,
                  "change",
                  fmt::format("{:.0f} % interval", 100 * comparison.confidence),
                  "p",
                  "B slower"};
  if (with_clocks) table.header.push_back("MHz A/B");
  table.header.push_back("verdict");
  table.alignment.assign(table.header.size(), Align::right);
  table.alignment.front() = table.alignment.back() = Align::left;
  for (const PointComparison& point : comparison.points) {
    table.rows.push_back({name_text(point), cell(point.a_median_s), cell(point.b_median_s),
                          change_text(point.change), interval_text(point), p_text(point.p),
                          format_percent(point.slower_share, 0)});
    if (with_clocks) table.rows.back().push_back(clocks_text(point));
    table.rows.back().push_back(verdict_text(point));
    table.tones.push_back(tone_of(point.verdict));
  }
  return table;
}

std::string compare_summary(const Comparison& comparison) {
  const auto count = [&](Verdict verdict) {
    return std::count_if(comparison.points.begin(), comparison.points.end(),
                         [&](const PointComparison& point) { return point.verdict == verdict; });
  };
  std::string text =
      fmt::format("{} faster, {} slower, {} same, {} unclear", count(Verdict::faster),
                  count(Verdict::slower), count(Verdict::same), count(Verdict::unclear));
  double log_sum = 0;
  for (const PointComparison& point : comparison.points) log_sum += std::log1p(point.change);
  if (!comparison.points.empty()) {
    const auto points = static_cast<double>(comparison.points.size());
    text += "; geometric mean of the changes " + change_text(std::expm1(log_sum / points));
  }
  return text + fmt::format("; changes within {:.3g} % count as none", 100 * comparison.threshold);
}

std::string compare_text(const Comparison& comparison, bool in_color) {
  std::string text = to_text(compare_rows(comparison), in_color);
  for (const std::string& note : notes_of(comparison)) text += note + "\n";
  for (const std::string& warning : warnings_of(comparison)) {
    text += painted("! " + warning, Tone::doubt, in_color) + "\n";
  }
  return text + painted(compare_summary(comparison), Tone::strong, in_color) + "\n";
}

std::string compare_markdown(const Comparison& comparison, const Run& a, const Run& b) {
  std::string text = "# Comparison of two runs\n\n```\n" + compare_header(comparison, a, b) +
                     "```\n\n" + to_markdown(compare_rows(comparison)) + "\n";
  for (const std::string& note : notes_of(comparison)) text += "- " + note + "\n";
  for (const std::string& warning : warnings_of(comparison)) text += "- warning: " + warning + "\n";
  return text + "\n**" + compare_summary(comparison) + "**\n";
}

std::string compare_csv(const Comparison& comparison) {
  const auto number = [](double value) { return fmt::format("{}", value); };
  const auto optional_number = [&](const std::optional<double>& value) {
    return value ? number(*value) : std::string();
  };
  TextTable table;
  table.header = {"point",        "pass",       "a_median_s", "b_median_s",  "a_samples",
                  "b_samples",    "change",     "change_low", "change_high", "p",
                  "slower_share", "a_core_mhz", "b_core_mhz", "verdict",     "reason"};
  for (const PointComparison& point : comparison.points) {
    table.rows.push_back(
        {point.point, point.pass, number(point.a_median_s), number(point.b_median_s),
         std::to_string(point.a_samples), std::to_string(point.b_samples), number(point.change),
         optional_number(point.change_low), optional_number(point.change_high), number(point.p),
         number(point.slower_share), optional_number(point.a_core_mhz),
         optional_number(point.b_core_mhz), std::string(name_of(point.verdict)), point.reason});
  }
  return to_csv(table);
}

}  // namespace moe::report
