// Saved analyses: <out>/memory/runs/<id>/run.json, apart from the runs of bench_moe_variants.
#pragma once

#include <filesystem>
#include <string>

#include "memory/options.h"
#include "record/memory_run.h"
#include "report/plot/plots.h"

namespace moe::programs {

std::filesystem::path memory_folder(const std::filesystem::path& out);

/// memory_breakdown.png into the run's folder and into `out`.
report::DrawnPlots draw_memory_plot(const record::MemoryRun& run,
                                    const std::filesystem::path& folder,
                                    const std::filesystem::path& out);

/// `show`: the screen of the run that options.topic names (id, folder, last, last~N). Throws
/// Error{usage} when there is none.
std::string saved_memory_text(const MemoryOptions& options);

/// `plot`: its picture again. Returns the exit code; throws Error{usage}, and Error{output} when
/// nothing was drawn.
int memory_plot_command(const MemoryOptions& options);

}  // namespace moe::programs
