// Load lines: how evenly the experts were used and what rounding changed.
#include <fmt/format.h>

#include "report/bench/bench_report.h"
#include "report/bench/row_facts.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

std::string balance_text(const record::Run& run, const record::Load& load) {
  const bool is_nominal = run.environment.device_kind == "cpu";  // CPU GEMMs have no such tiles
  return fmt::format("used {}/{} | max/mean {:.2f} | CV {:.3f} (random {:.3f}) | tile waste {}{}",
                     load.used_experts, run.model.layer.num_experts, load.max_over_mean, load.cv,
                     load.cv_random, format_percent(load.tile_waste),
                     is_nominal ? " (nominal)" : "");
}

std::string rounding_text(const record::RoundingReport& rounding) {
  return fmt::format(
      "{} to {}: dropped {}, added {} of pairs | largest change {} rows | {} token{} with fewer "
      "than K experts, {} with none",
      rounding.rule, rounding.tile, format_percent(rounding.drop_rate),
      format_percent(rounding.add_rate), rounding.largest_change,
      format_integer(rounding.tokens_with_fewer), rounding.tokens_with_fewer == 1 ? "" : "s",
      format_integer(rounding.tokens_without_expert));
}

}  // namespace

std::string load_text(const record::Run& run) {
  std::string text;
  for (const RoutingGroup& group : routing_groups(run)) {
    if (group.rounding == nullptr) {
      text += "experts    " + balance_text(run, *group.load) + "\n";
    } else {
      text += "rounding   " + rounding_text(*group.rounding) + "\n";
      text += "rounded    " + balance_text(run, *group.load) + "\n";
    }
  }
  return text;
}

}  // namespace moe::report
