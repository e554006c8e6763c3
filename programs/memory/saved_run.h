// Saved analyses: <out>/memory/runs/<id>/run.json, apart from the runs of bench_moe_variants.
#pragma once

#include <filesystem>
#include <string>

#include "record/memory_run.h"
#include "report/plots.h"

namespace moe::programs {

std::filesystem::path memory_folder(const std::filesystem::path& out);

/// `name`: id, folder, or last. Throws Error{usage} when there is none.
record::MemoryRun load_memory_run(const std::filesystem::path& out, const std::string& name,
                                  std::filesystem::path* folder = nullptr);

/// memory_breakdown.png into the run's folder and into `out`.
report::DrawnPlots draw_memory_plot(const record::MemoryRun& run,
                                    const std::filesystem::path& folder,
                                    const std::filesystem::path& out);

}  // namespace moe::programs
