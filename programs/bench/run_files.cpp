// Data first, pictures last: a failure of gnuplot costs nothing but the picture.
#include "bench/run_files.h"

#include <iostream>

#include "measure/verify/dump.h"
#include "moe/error.h"
#include "record/files.h"
#include "report/bench/bench_report.h"
#include "report/bench/samples.h"
#include "report/plot/plots.h"
#include "report/text/format.h"

namespace moe::programs {

void check_dump_size(const BenchOptions& options, Progress& progress) {
  if (options.dump_folder.empty()) return;
  if (!options.sweep.fields.empty()) {
    throw Error(ErrorKind::usage, "--dump-tensors takes one shape", "this is a sweep",
                "dump each shape in a run of its own");
  }
  const ModelConfig& model = options.sweep.points.front().shape.model;
  const std::int64_t bytes =
      measure::dump_bytes(model.layer, model.tokens(),
                          static_cast<std::int64_t>(options.variants.size()), options.backward);
  const auto size = report::format_bytes(static_cast<double>(bytes));
  if (bytes > options.dump_limit_bytes) {
    throw Error(
        ErrorKind::usage, "--dump-tensors would write " + size,
        "--dump-limit is " + report::format_bytes(static_cast<double>(options.dump_limit_bytes)),
        "raise the limit, or use fewer tokens or variants");
  }
  record::check_writable(options.dump_folder);
  progress.line("dumping tensors to " + options.dump_folder.string() + ": about " + size);
}

void write_reports(const BenchOptions& options, const record::Run& run,
                   const record::RunStore& store, Progress& progress) {
  store.write_run(run);
  record::write_file(store.folder() / "table.md", report::markdown_report(run));
  record::write_file(store.folder() / "table.csv", report::csv_report(run));
  if (options.save_samples)
    record::write_file(store.folder() / "samples.csv", report::samples_csv(run));
  std::string wrote = "wrote      " + store.folder().string() +
                      "/{run.json,points.jsonl,table.md,table.csv" +
                      (options.save_samples ? ",samples.csv}" : "}");
  if (options.plots) {
    progress.status("drawing");
    const report::DrawnPlots drawn = report::draw_plots(run, store.folder(), options.out);
    progress.clear();
    for (const auto& picture : drawn.pictures)
      wrote = "wrote      " + picture.string() + "\n" + wrote;
    if (!drawn.problem.empty()) {
      std::cerr << "warn:  " << drawn.problem
                << "\n       data is kept; later: bench_moe_variants plot " << run.id << '\n';
    }
  }
  progress.clear();
  screen_of(options.screen, options.quiet) << wrote << '\n';
}

}  // namespace moe::programs
