// Everything that a picture needs stands in the run's folder, or in the trace.
#include "bench/plot_command.h"

#include <iostream>

#include "measure/trace/trace_file.h"
#include "measure/trace/trace_summary.h"
#include "moe/error.h"
#include "record/store.h"
#include "report/plot/plots.h"

namespace moe::programs {

namespace {

report::DrawnPlots draw(const BenchOptions& options) {
  const std::filesystem::path name = options.topic;
  if (measure::is_trace_file(name)) {
    return report::draw_sources({report::trace_plot(measure::summarize_trace(name))},
                                options.out / "traces" / name.stem(), options.out);
  }
  const auto folder = record::find_run(options.out, options.topic);
  return report::draw_plots(record::load_run(folder), folder, options.out);
}

}  // namespace

int plot_command(const BenchOptions& options) {
  const report::DrawnPlots drawn = draw(options);
  for (const auto& picture : drawn.pictures) std::cout << "wrote " << picture.string() << '\n';
  if (!drawn.problem.empty()) {
    throw Error(ErrorKind::output, "not every picture was drawn", drawn.problem,
                "install gnuplot (gnuplot-nox)");
  }
  return 0;
}

}  // namespace moe::programs
