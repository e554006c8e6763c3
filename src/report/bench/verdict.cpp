// The judgement: intervals that overlap are no difference.
#include "report/bench/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "report/bench/row_facts.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

using record::Row;
using record::Run;
using record::Status;
using record::Timing;
using Rows = std::vector<const Row*>;

// Without enough samples for a noise figure, times nearer than this are not told apart; one or two
// samples may both have met a bad moment of the machine (20 % apart was seen on idle ones).
constexpr double kMistrust = 0.05, kMistrustOfTwo = 0.2;

double time_of(const Row* row) {
  return judged_timing(*row)->median_s;
}

struct Interval {
  double low = 0, high = 0;
};

/// Where the median may lie: the middle half of the samples, or all of few samples and a margin.
Interval interval_of(const Row* row) {
  const Timing& timing = *judged_timing(*row);
  if (timing.noise) return {timing.q1_s, timing.q3_s};
  Interval range{timing.median_s, timing.median_s};
  for (double sample : timing.samples_s) {
    range = {std::min(range.low, sample), std::max(range.high, sample)};
  }
  const double mistrust = timing.samples_s.size() > 2 ? kMistrust : kMistrustOfTwo;
  return {range.low * (1 - mistrust / 2), range.high * (1 + mistrust / 2)};
}

bool is_faster(const Row* a, const Row* b) {
  return time_of(a) < time_of(b);
}

std::string ratio_text(const Row* slower, const Row* faster) {
  return format_ratio(time_of(slower) / time_of(faster));
}

std::string peak_text(const Row* row) {
  return format_bytes(static_cast<double>(row->bytes.peak));
}

const Row* baseline_of(const Run& run, const Rows& rows) {
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const Row* row) { return row->variant == run.baseline; });
  return found == rows.end() ? nullptr : *found;
}

/// "too close to call: sonic and vanilla differ by 0.4 %, ..." with the one that memory speaks for.
std::string close_text(const Rows& close, const Row* chosen) {
  std::string names;
  for (std::size_t i = 0; i < close.size(); ++i) {
    names += (i == 0 ? "" : i + 1 == close.size() ? " and " : ", ") + close[i]->variant;
  }
  const auto [low, high] = std::minmax_element(close.begin(), close.end(), is_faster);
  std::string text = fmt::format("too close to call between {} ({} apart)", names,
                                 format_percent(time_of(*high) / time_of(*low) - 1));
  const auto largest = std::max_element(close.begin(), close.end(), [](const Row* a, const Row* b) {
    return a->bytes.peak < b->bytes.peak;
  });
  if ((*largest)->bytes.peak > chosen->bytes.peak) {
    text += fmt::format("; {} needs the least memory, {} at peak against {} of {}", chosen->variant,
                        peak_text(chosen), peak_text(*largest), (*largest)->variant);
  }
  return text;
}

/// "use sonic here: 2.41 s per forward and backward, 1.31x as fast as vanilla, ..."
std::string clear_text(const Run& run, const Row* chosen, const Row* next, const Row* baseline) {
  std::string text = fmt::format("use {} here: {} per {}", chosen->variant,
                                 format_time(time_of(chosen)), mode_in_words(run));
  const Row* compared = next;
  if (baseline != nullptr && baseline != chosen) {
    compared = baseline;
    text += fmt::format(", {} as fast as {}", ratio_text(baseline, chosen), baseline->variant);
    if (next != baseline) {
      text += fmt::format(" and {} as fast as the next best, {}", ratio_text(next, chosen),
                          next->variant);
    }
  } else {
    text +=
        fmt::format(", {} as fast as the next best, {}", ratio_text(next, chosen), next->variant);
  }
  text += fmt::format("; {} of memory at peak", peak_text(chosen));
  if (compared->bytes.peak != chosen->bytes.peak) {
    text += fmt::format(" against {} of {}", peak_text(compared), compared->variant);
  }
  return text + "; the routing is unchanged";
}

/// What rounding would bring beside the fastest variant that keeps the routing.
std::string rounding_text(const Row* rounded, const Row* fastest) {
  if (!clearly_faster(*rounded, *fastest)) {
    return "; rounding, which changes which tokens an expert sees, gains nothing measurable here";
  }
  std::string text = fmt::format("; {} is {} as fast as {} but changes which tokens an expert sees",
                                 rounded->variant, ratio_text(fastest, rounded), fastest->variant);
  if (rounded->rounding) {
    text += fmt::format(" ({} of pairs dropped, {} added)",
                        format_percent(rounded->rounding->drop_rate),
                        format_percent(rounded->rounding->add_rate));
  }
  return text;
}

std::string failures_text(const Run& run) {
  std::string names;
  for (const Row& row : run.rows) {
    if (row.status == Status::failed) names += (names.empty() ? "" : ", ") + row.variant;
  }
  return names.empty() ? "" : "; left out because of a failed check: " + names;
}

/// "indication only (3 samples, 10 wanted): " when any compared row has too few.
std::string caution_text(const Run& run, const Rows& rows) {
  std::size_t fewest = 0;
  for (const Row* row : rows) {
    const Timing& timing = *judged_timing(*row);
    if (timing.noise) continue;
    fewest = fewest == 0 ? timing.samples_s.size() : std::min(fewest, timing.samples_s.size());
  }
  if (fewest == 0) return "";
  return fmt::format("an indication only, with {} sample{} where {} are wanted: ", fewest,
                     fewest == 1 ? "" : "s", run.min_samples);
}

std::string sentence(std::string text) {
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text + ".";
}

std::string choice_text(const Run& run, const Rows& exact) {
  Rows close;
  for (const Row* row : exact) {
    if (!clearly_faster(*exact[0], *row)) close.push_back(row);
  }
  if (close.size() > 1) {
    const Row* chosen =
        *std::min_element(close.begin(), close.end(),
                          [](const Row* a, const Row* b) { return a->bytes.peak < b->bytes.peak; });
    return close_text(close, chosen);
  }
  if (exact.size() == 1) {
    return fmt::format("only {} ran with this routing: {} per {}, {} of memory at peak",
                       exact[0]->variant, format_time(time_of(exact[0])), mode_in_words(run),
                       peak_text(exact[0]));
  }
  return clear_text(run, exact[0], exact[1], baseline_of(run, exact));
}

}  // namespace

bool clearly_faster(const Row& a, const Row& b) {
  return interval_of(&a).high < interval_of(&b).low;
}

std::string verdict(const Run& run) {
  Rows exact, rounded, all = measured_rows(run);
  if (all.empty())
    return sentence("no variant has a valid time: there is nothing to recommend" +
                    failures_text(run));
  for (const Row* row : all) (row->different_routing ? rounded : exact).push_back(row);
  std::stable_sort(exact.begin(), exact.end(), is_faster);
  std::stable_sort(rounded.begin(), rounded.end(), is_faster);
  std::string text = caution_text(run, all);
  if (exact.empty()) {
    text += fmt::format(
        "every variant that ran is rounded, which changes which tokens an expert sees; "
        "the fastest is {} with {} per {}",
        rounded[0]->variant, format_time(time_of(rounded[0])), mode_in_words(run));
  } else {
    text += choice_text(run, exact);
    if (!rounded.empty()) text += rounding_text(rounded[0], exact[0]);
  }
  return sentence(text + failures_text(run));
}

}  // namespace moe::report
