// Facts drawn from rows.
#include "report/bench/row_facts.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/text/format.h"

namespace moe::report {

using record::Check;
using record::Row;
using record::Run;
using record::Status;

const record::Timing* judged_timing(const Row& row) {
  if (row.total) return &*row.total;
  if (row.forward) return &*row.forward;
  return row.backward ? &*row.backward : nullptr;
}

std::vector<const Row*> measured_rows(const Run& run) {
  std::vector<const Row*> rows;
  for (const Row& row : run.rows) {
    const bool is_timed = row.status == Status::ok && judged_timing(row) != nullptr;
    if (is_timed && !row.reference) rows.push_back(&row);
  }
  return rows;
}

const Row* dense_bound_row(const Run& run) {
  for (const Row& row : run.rows) {
    if (row.reference && row.status == Status::ok && judged_timing(row) != nullptr) return &row;
  }
  return nullptr;
}

std::string mode_in_words(const Run& run) {
  return run.mode == "forward_backward" ? "forward and backward" : run.mode;
}

bool has_backward(const Run& run) {
  return run.mode != "forward";
}

std::string failure_text(const Row& row) {
  const auto failed = [](const Check& check) { return !check.passed; };
  const auto first = std::find_if(row.checks.begin(), row.checks.end(), failed);
  if (first == row.checks.end()) return row.reason.empty() ? "no reason recorded" : row.reason;
  const std::string error = first->tolerance == 0
                                ? fmt::format("{:.0f} mismatches", first->error)
                                : fmt::format("error {} > {}", format_error(first->error),
                                              format_error(first->tolerance));
  std::string text = first->what + ": " + error;
  if (!first->where.empty()) text += " at " + first->where;
  const auto others = std::count_if(row.checks.begin(), row.checks.end(), failed) - 1;
  return others > 0 ? text + fmt::format("; {} more", others) : text;
}

std::string largest_tokens_text(std::int64_t largest_tokens) {
  if (largest_tokens > 0) return "largest T that fits: " + format_integer(largest_tokens);
  return "no T fits; --ep-rank 1/8 runs the experts of one rank of eight";
}

std::string skip_text(const Run& run, const Row& row) {
  std::string text = fmt::format("skip: {} T={} E={}: {}", row.variant,
                                 format_integer(run.model.tokens()), run.model.layer.num_experts,
                                 row.reason.empty() ? "no reason recorded" : row.reason);
  if (row.largest_tokens) text += "; " + largest_tokens_text(*row.largest_tokens);
  return text;
}

std::string shape_text(const Run& run) {
  return shape_text(run.model);
}

std::string shape_text(const ModelConfig& model) {
  const LayerConfig& layer = model.layer;
  std::string text =
      fmt::format("T={} d={} n={} E={} K={} {} {}", model.tokens(), layer.hidden_dim, layer.ffn_dim,
                  layer.num_experts, layer.top_k, name_of(layer.activation), name_of(layer.dtype));
  if (layer.up_layout == UpLayout::interleaved) text += " interleaved";
  if (layer.expert_bias) text += " biased";
  if (layer.shared.ffn_dim > 0) text += fmt::format(" shared={}", layer.shared.ffn_dim);
  return text;
}

std::string ep_rank_text(const record::EpRank& rank) {
  return fmt::format("rank {}/{}: {} of {} experts, what {} tokens send it; no communication",
                     rank.rank, rank.ranks, rank.num_experts / rank.ranks, rank.num_experts,
                     format_integer(rank.tokens));
}

std::string commit_text(const record::Environment& environment) {
  if (environment.git_commit.empty()) return "unknown commit";
  return environment.git_commit + (environment.git_dirty ? " + changes" : "");
}

std::vector<RoutingGroup> routing_groups(const Run& run) {
  std::vector<RoutingGroup> groups;
  for (const Row& row : run.rows) {
    if (row.status != Status::ok || !row.load || row.load->utilization.empty()) continue;
    const auto same = [&](const RoutingGroup& group) {
      return group.load->utilization == row.load->utilization &&
             (group.rounding != nullptr) == row.rounding.has_value();
    };
    auto found = std::find_if(groups.begin(), groups.end(), same);
    if (found == groups.end()) {
      groups.push_back({{}, &*row.load, row.rounding ? &*row.rounding : nullptr});
      found = groups.end() - 1;
    }
    found->variants.push_back(row.variant);
  }
  std::stable_partition(groups.begin(), groups.end(),
                        [](const RoutingGroup& group) { return group.rounding == nullptr; });
  return groups;
}

}  // namespace moe::report
