// What memory_analysis finds: per variant what lies in memory at the fullest moment of each phase,
// what was measured, what fits, and what strategies would change. Bytes, FLOP and seconds, plain.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "record/record.h"

namespace moe::record {

inline constexpr const char* kMemorySchema = "moe-memory/1";

struct MemoryTensor {
  std::string name;  // the plan's buffer, "x", "expert weights"
  std::string part;  // "saved", "workspace": model::Part by name
  std::int64_t bytes = 0;
};

/// One step of a phase, predicted: its operands read or written once each.
struct MemoryStep {
  std::string name;  // the plan's step: "down_proj"
  double flops = 0;
  double device_memory_bytes = 0;
};

/// The fullest moment of one phase; tensors sum to total_bytes exactly.
struct MemoryPhase {
  std::string phase;  // "inference", "forward", "backward"
  std::string step;   // of the plan: where the peak is
  std::int64_t total_bytes = 0;
  std::vector<MemoryTensor> tensors;
  double flops = 0;                // of the whole phase
  double device_memory_bytes = 0;  // moved by the whole phase at least, predicted
  std::vector<MemoryStep> steps;   // in the order of execution; they sum to the two above
};

/// One pass in memory that was filled with a pattern first. Regions are those of the plan.
struct MemoryReading {
  std::int64_t saved_bytes = 0;              // up to the highest byte that was written
  std::int64_t forward_workspace_bytes = 0;  // the same after forward
  std::int64_t workspace_bytes = 0;          // the same after the whole pass
  std::int64_t allocated_bytes = 0;          // everything this program asked of the device for it
  std::int64_t device_bytes = 0;    // what the driver lost meanwhile; on a CPU: resident growth
  std::int64_t executed_pairs = 0;  // rows of the routing
  double seconds = 0;               // of that one pass, n=1
};

/// Rows that token rounding may leave, and bytes saved for backward at both ends.
struct MemoryRowBounds {
  std::int64_t least_rows = 0, most_rows = 0;
  std::int64_t least_held_bytes = 0, most_held_bytes = 0;
  std::optional<std::int64_t> exact_rows, exact_held_bytes;  // of the routing that was run
};

struct MemoryFit {
  std::string scope;                    // "pass": without optimiser states; "step": with them
  std::int64_t tokens = 0;              // largest T; 0 = not even one
  std::int64_t sequences = 0;           // the largest batch of the configuration's sequence length
  std::int64_t bytes = 0;               // at the peak with these tokens
  std::string limit_phase, limit_step;  // of the peak that does not fit any more
  std::string limit_tensor;             // largest there; "states" where they alone are too much
  std::int64_t limit_tensor_bytes = 0;
};

struct MemoryRow {
  std::string variant;
  std::int64_t held_bytes = 0;      // X and all that forward keeps for backward
  std::vector<MemoryPhase> phases;  // forward and backward, or inference
  std::string not_measured;         // why `measured` is absent
  std::optional<MemoryReading> measured;
  std::optional<MemoryRowBounds> rows;  // of rounded rows
  std::vector<MemoryFit> fits;
};

/// One strategy on one variant, before and after. Peaks are of the layer with all its states.
struct MemoryStrategy {
  std::string strategy, variant;
  std::string basis;           // "measured", "modelled"
  std::string not_applicable;  // why; then no numbers
  std::string remark;
  std::int64_t held_before = 0, held_after = 0;
  std::int64_t peak_before = 0, peak_after = 0;
  double flops = 0, memory_bytes = 0, link_bytes = 0, host_bytes = 0;
  double seconds = 0;                                           // at the target's rates
  std::optional<std::int64_t> measured_before, measured_after;  // arena's high-water mark
  std::optional<double> measured_seconds;                       // after - before, n=1
};

struct MemoryRun {
  std::string id, program;
  std::vector<std::string> argv;
  std::string repeat_command;
  Environment environment;
  ModelConfig model;
  std::string mode;      // "forward", "forward_backward"
  std::string baseline;  // row that the summary compares with
  std::string optimizer;
  std::string target;          // device that the plans are for: "cpu AMD EPYC", "NVIDIA H100 ..."
  bool target_is_here = true;  // else nothing was measured
  std::string target_remark;   // why it is this one; where its figures are from
  std::int64_t capacity_bytes = 0;
  double flops_per_s = 0, bytes_per_s = 0;  // rates that prices are computed with
  std::vector<MemoryRow> rows;
  std::vector<MemoryStrategy> strategies;
  std::vector<std::string> warnings;
};

}  // namespace moe::record
