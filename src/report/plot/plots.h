// The pictures of a run and of a trace. Each is described by a gnuplot script and its data, pure
// text made from a record.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "record/record.h"
#include "record/trace_summary.h"

namespace moe::report {

struct PlotSource {
  std::string name;    // "latency_comparison": NAME.gp and NAME.dat in plot/, NAME.png above it
  std::string script;  // draws ../NAME.png from NAME.dat
  std::string data;
};

/// Bars per variant: forward and backward time, spread of the total, floor at the measured ceiling.
PlotSource latency_plot(const record::Run& run);

/// Heat map of load / mean per expert for each routing, and its sorted curve. Nothing when no row
/// has a load.
std::optional<PlotSource> load_plot(const record::Run& run);

/// Time and rate of every variant against the swept field with most values, numbers before words:
/// "sweep", or one picture for each combination of the other swept fields ("sweep-top_k=2", at most
/// eight). Empty for a run of one shape.
std::vector<PlotSource> sweep_plots(const record::Run& run);

/// Heat map of load / mean per expert and layer, and the busiest expert of each layer.
PlotSource trace_plot(const record::TraceSummary& trace);

struct DrawnPlots {
  std::vector<std::filesystem::path> pictures;  // in `out`
  std::string problem;                          // why some or all are missing; empty = none is
};

/// Writes the sources to <run_folder>/plot/, draws the PNGs into `run_folder` and copies them to
/// `out`. A missing or failing gnuplot is a `problem`, not an error: sources stay, to be drawn
/// later. Throws Error{output} when files cannot be written.
DrawnPlots draw_sources(const std::vector<PlotSource>& sources,
                        const std::filesystem::path& run_folder, const std::filesystem::path& out);

/// Every picture of a run of bench_moe_variants.
DrawnPlots draw_plots(const record::Run& run, const std::filesystem::path& run_folder,
                      const std::filesystem::path& out);

}  // namespace moe::report
