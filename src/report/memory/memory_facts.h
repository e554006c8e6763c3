// Questions about memory runs that several screens ask.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "record/memory_run.h"

namespace moe::report {

/// The phase with the larger total; the first of equals. Null in a row without phases.
const record::MemoryPhase* peak_phase(const record::MemoryRow& row);

std::int64_t part_bytes(const record::MemoryPhase& phase, std::string_view part);
/// Of one part: a tensor that one variant saves may be transient in another.
std::int64_t tensor_bytes(const record::MemoryPhase& phase, std::string_view part,
                          std::string_view name);

/// Null when there is none of that name.
const record::MemoryRow* find_row(const record::MemoryRun& run, std::string_view variant);

/// The row that the summary sets against the baseline: "sonic", or else the last one.
const record::MemoryRow* compared_row(const record::MemoryRun& run);

/// What a reader wants to know first, in four numbers. Parameters' gradients and optimizer states
/// are the same in every variant and stand in none of them; nor do weights of router and shared
/// expert.
struct MemorySummary {
  std::int64_t activations = 0;  // X and all that forward keeps
  std::int64_t expert_weights = 0;
  std::int64_t buffers = 0;  // everything transient at the peak
  std::int64_t total() const { return activations + expert_weights + buffers; }
};
MemorySummary summary_of(const record::MemoryRow& row);

}  // namespace moe::report
