// Ratios between rows of one run.
#include "measure/run/relate_rows.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "model/layer/layer_cost.h"

namespace moe::measure {
namespace {

constexpr double kClockTolerance = 0.03;  // medians that lie further apart are worth a warning

// Experts with fewer rows than this are uneven by chance.
constexpr double kFewRows = 128;
// A fullest expert of so many times the mean has a part of the time to itself.
constexpr double kVeryUneven = 4;

/// Of a row that has a rounding report.
void warn_about_rounding(const record::Row& row, record::Run& run) {
  const record::RoundingReport& rounding = *row.rounding;
  const double mean_rows = static_cast<double>(row.tokens * run.model.layer.top_k) /
                           static_cast<double>(run.model.layer.num_experts);
  if (rounding.tokens_without_expert > 0) {
    run.warnings.push_back(row.variant + ": " + std::to_string(rounding.tokens_without_expert) +
                           " tokens were left without any expert");
  }
  if (mean_rows < 2.0 * static_cast<double>(rounding.tile)) {
    run.warnings.push_back(
        row.variant + ": " + std::to_string(static_cast<std::int64_t>(mean_rows)) +
        " rows per expert are under twice the tile of " + std::to_string(rounding.tile) +
        "; rounding may cost model quality here (docs/variants.md)");
  }
}

}  // namespace

record::Phases phase_rates(const record::Run& run, const record::Row& row) {
  const model::LayerFlops flops =
      model::layer_flops(run.model.layer, row.tokens, row.credited_pairs);
  record::Phases rates{.forward = flops.forward / row.forward->median_s};
  if (row.backward) rates.backward = flops.backward / row.backward->median_s;
  rates.total = (flops.forward + (row.backward ? flops.backward : 0)) / row.total->median_s;
  return rates;
}

void compare_with_dense_bound(record::Run& run) {
  const auto bound = std::find_if(run.rows.begin(), run.rows.end(), [](const record::Row& row) {
    return row.reference && row.total.has_value();
  });
  if (bound == run.rows.end()) return;
  const record::Phases bar = phase_rates(run, *bound);
  for (record::Row& row : run.rows) {
    if (!row.total) continue;
    const record::Phases own = phase_rates(run, row);
    row.dense_bound_flops_per_s = bar;
    record::Phases& fraction = row.dense_bound_fraction.emplace();
    fraction.forward = own.forward / bar.forward;
    if (bar.backward) fraction.backward = *own.backward / *bar.backward;
    fraction.total = *own.total / *bar.total;
  }
}

void warn_about_uneven_experts(record::Run& run) {
  for (const record::Row& row : run.rows) {
    if (!row.load || !row.dense_bound_fraction || row.load->max_over_mean < kVeryUneven) continue;
    const double mean_rows =
        static_cast<double>(row.credited_pairs) / static_cast<double>(run.model.layer.num_experts);
    if (mean_rows < kFewRows) continue;
    run.warnings.push_back(
        "the fullest expert has " + std::to_string(static_cast<int>(row.load->max_over_mean)) +
        " times the mean's rows, and dense_bound's experts are equal, so % dense "
        "is lower than the kernels' own; --routing balanced shows theirs");
    return;  // all rows have the router's traffic
  }
}

void warn_about_rounding(record::Run& run) {
  for (const record::Row& row : run.rows) {
    if (row.rounding) warn_about_rounding(row, run);
  }
}

void warn_about_clocks(record::Run& run) {
  const record::Row *slowest = nullptr, *fastest = nullptr;
  for (const record::Row& row : run.rows) {
    if (!row.core_mhz || *row.core_mhz <= 0) continue;
    if (slowest == nullptr || *row.core_mhz < *slowest->core_mhz) slowest = &row;
    if (fastest == nullptr || *row.core_mhz > *fastest->core_mhz) fastest = &row;
  }
  if (slowest == nullptr) return;
  if (*fastest->core_mhz <= (1 + kClockTolerance) * *slowest->core_mhz) return;
  const auto mhz = [](const record::Row* row) {
    return std::to_string(static_cast<int>(*row->core_mhz)) + " MHz in " + row->variant;
  };
  run.warnings.push_back("clocks differ between rows: " + mhz(slowest) + ", " + mhz(fastest) +
                         "; compare their times with care");
}

}  // namespace moe::measure
