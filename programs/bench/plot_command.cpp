// Everything that a picture needs stands in the run's folder.
#include "bench/plot_command.h"

#include <iostream>

#include "moe/error.h"
#include "record/store.h"
#include "report/plots.h"

namespace moe::programs {

int plot_command(const BenchOptions& options) {
  const auto folder = record::find_run(options.out, options.topic);
  const report::DrawnPlots drawn =
      report::draw_plots(record::load_run(folder), folder, options.out);
  for (const auto& picture : drawn.pictures) std::cout << "wrote " << picture.string() << '\n';
  if (!drawn.problem.empty()) {
    throw Error(ErrorKind::output, "not every picture was drawn", drawn.problem,
                "install gnuplot (gnuplot-nox)");
  }
  return 0;
}

}  // namespace moe::programs
