// Finding, reading, showing and drawing.
#include "memory/saved_run.h"

#include <iostream>

#include "moe/error.h"
#include "record/files.h"
#include "record/json.h"
#include "record/store.h"
#include "report/memory/memory_report.h"
#include "report/plot/plot_memory.h"

namespace moe::programs {
namespace {

record::MemoryRun load_memory_run(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "run.json";
  return record::memory_run_from_json(record::read_file(file), file.string());
}

}  // namespace

std::filesystem::path memory_folder(const std::filesystem::path& out) {
  return out / "memory";
}

report::DrawnPlots draw_memory_plot(const record::MemoryRun& run,
                                    const std::filesystem::path& folder,
                                    const std::filesystem::path& out) {
  return report::draw_sources({report::memory_plot(run)}, folder, out);
}

std::string saved_memory_text(const MemoryOptions& options) {
  const record::MemoryRun run =
      load_memory_run(record::find_run(memory_folder(options.output.out), options.topic));
  return report::memory_header(run) + "\n" + report::memory_screen(run, options.steps) +
         "again      " + run.repeat_command + "\n";
}

int memory_plot_command(const MemoryOptions& options) {
  const std::filesystem::path& out = options.output.out;
  const auto folder = record::find_run(memory_folder(out), options.topic);
  const report::DrawnPlots drawn = draw_memory_plot(load_memory_run(folder), folder, out);
  for (const auto& picture : drawn.pictures) std::cout << "wrote " << picture.string() << '\n';
  if (drawn.problem.empty()) return 0;
  throw Error(ErrorKind::output, "the picture was not drawn", drawn.problem,
              "install gnuplot (gnuplot-nox)");
}

}  // namespace moe::programs
