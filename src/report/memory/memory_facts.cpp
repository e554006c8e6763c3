// Sums over tensors.
#include "report/memory/memory_facts.h"

namespace moe::report {

using record::MemoryPhase;
using record::MemoryRow;
using record::MemoryRun;
using record::MemoryTensor;

const MemoryPhase* peak_phase(const MemoryRow& row) {
  const MemoryPhase* peak = nullptr;
  for (const MemoryPhase& phase : row.phases) {
    if (peak == nullptr || phase.total_bytes > peak->total_bytes) peak = &phase;
  }
  return peak;
}

std::int64_t part_bytes(const MemoryPhase& phase, std::string_view part) {
  std::int64_t bytes = 0;
  for (const MemoryTensor& tensor : phase.tensors) bytes += tensor.part == part ? tensor.bytes : 0;
  return bytes;
}

std::int64_t tensor_bytes(const MemoryPhase& phase, std::string_view part, std::string_view name) {
  std::int64_t bytes = 0;
  for (const MemoryTensor& tensor : phase.tensors) {
    bytes += tensor.part == part && tensor.name == name ? tensor.bytes : 0;
  }
  return bytes;
}

const MemoryRow* find_row(const MemoryRun& run, std::string_view variant) {
  for (const MemoryRow& row : run.rows) {
    if (row.variant == variant) return &row;
  }
  return nullptr;
}

const MemoryRow* compared_row(const MemoryRun& run) {
  const MemoryRow* sonic = find_row(run, "sonic");
  if (sonic != nullptr || run.rows.empty()) return sonic;
  return &run.rows.back();
}

MemorySummary summary_of(const MemoryRow& row) {
  MemorySummary summary{.activations = row.held_bytes};
  const MemoryPhase* phase = peak_phase(row);
  if (phase == nullptr) return summary;
  summary.expert_weights = part_bytes(*phase, "expert weights");
  const std::int64_t states =
      summary.expert_weights + part_bytes(*phase, "router and shared weights") +
      part_bytes(*phase, "gradients") + part_bytes(*phase, "optimizer states");
  summary.buffers = phase->total_bytes - states - summary.activations;
  return summary;
}

}  // namespace moe::report
