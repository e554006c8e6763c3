// What memory_analysis prints and saves. All functions are pure: a MemoryRun in, text out. Lines
// end with a newline.
#pragma once

#include <string>
#include <vector>

#include "record/memory_run.h"
#include "report/text/table.h"

namespace moe::report {

/// "# ..." lines: program, target, shape, scope.
std::string memory_header(const record::MemoryRun& run);

/// One line per part and saved tensor, one column per variant; they add up to the peak.
std::string composition_text(const record::MemoryRun& run);

/// Peak and traffic of each phase.
std::string phases_text(const record::MemoryRun& run);

/// FLOP and device memory traffic of every step, and how a profiler checks them.
std::string steps_text(const record::MemoryRun& run);

/// Predicted regions beside what a pass touched; bounds and exact values of rounded rows.
std::string measured_text(const record::MemoryRun& run);

/// Activations, expert weights, buffers, total: baseline, SonicMoE, reduction.
std::string summary_text(const record::MemoryRun& run);

/// Largest batch per variant and what stops it.
std::string fits_text(const record::MemoryRun& run);

/// What strategies save and cost. Empty when none was asked for.
std::string strategies_text(const record::MemoryRun& run);

/// Everything below the header, in that order; steps only when they are asked for.
std::string memory_screen(const record::MemoryRun& run, bool with_steps);

/// Every tensor of every phase with plain bytes (memory.csv).
std::string memory_csv(const record::MemoryRun& run);

/// Every step of every phase with plain FLOP and bytes (steps.csv).
std::string steps_csv(const record::MemoryRun& run);

/// The published activation-memory figure beside our formulas; `shapes` are presets that hold those
/// of model::published_memory().
std::string published_memory_text(const std::vector<ModelConfig>& shapes);

}  // namespace moe::report
