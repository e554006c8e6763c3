// Questions about runs that several reports ask, answered in one place.
#pragma once

#include <string>
#include <vector>

#include "record/record.h"

namespace moe::report {

/// The time that a row is judged by: total, or forward where nothing else was run. Null when it has
/// none.
const record::Timing* judged_timing(const record::Row& row);

/// Variants that ran, passed their checks and have a time. The dense bound is none: see
/// dense_bound_row().
std::vector<const record::Row*> measured_rows(const record::Run& run);

/// The dense bound of this run, or null when it was not measured.
const record::Row* dense_bound_row(const record::Run& run);

/// "forward and backward", "forward".
std::string mode_in_words(const record::Run& run);

bool has_backward(const record::Run& run);

/// Why a row failed: its first failed check with error, tolerance and place, or the reason it
/// carries.
std::string failure_text(const record::Row& row);

/// "largest T that fits: 55,296"; where weights alone are too much, how to run a part of them.
std::string largest_tokens_text(std::int64_t largest_tokens);

/// "skip: vanilla T=65,536 E=256: reason; largest T that fits: 55,296"
std::string skip_text(const record::Run& run, const record::Row& row);

/// "T=4096 d=1024 n=4096 E=8 K=2 swiglu fp32"
std::string shape_text(const record::Run& run);
std::string shape_text(const ModelConfig& model);

/// "rank 1/8: 32 of 256 experts, what 65,536 tokens send it; no communication"
std::string ep_rank_text(const record::EpRank& rank);

/// "1a2b3c4", "1a2b3c4 + changes" or "unknown commit".
std::string commit_text(const record::Environment& environment);

/// One routing and the rows that ran with it.
struct RoutingGroup {
  std::vector<std::string> variants;
  const record::Load* load = nullptr;
  const record::RoundingReport* rounding = nullptr;  // null = not rounded
};

/// Rows grouped by what they executed, rounded ones last. Pointers are into `run`.
std::vector<RoutingGroup> routing_groups(const record::Run& run);

}  // namespace moe::report
