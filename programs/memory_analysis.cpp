// memory_analysis: what one MoE layer needs of memory, and what would reduce it. docs/cli.md
// describes its flags.
#include <iostream>
#include <new>

#include "memory/list.h"
#include "memory/options.h"
#include "memory/run_command.h"
#include "memory/saved_run.h"
#include "moe/error.h"
#include "report/memory_report.h"

namespace moe::programs {
namespace {

int show_command(const MemoryOptions& options) {
  const record::MemoryRun run = load_memory_run(options.out, options.topic);
  std::cout << report::memory_header(run) << '\n'
            << report::memory_screen(run) << "again      " << run.repeat_command << '\n';
  return 0;
}

int plot_command(const MemoryOptions& options) {
  std::filesystem::path folder;
  const record::MemoryRun run = load_memory_run(options.out, options.topic, &folder);
  const report::DrawnPlots drawn = draw_memory_plot(run, folder, options.out);
  for (const auto& picture : drawn.pictures) std::cout << "wrote " << picture.string() << '\n';
  if (drawn.problem.empty()) return 0;
  throw Error(ErrorKind::output, "the picture was not drawn", drawn.problem,
              "install gnuplot (gnuplot-nox)");
}

int run_program(const std::vector<std::string>& arguments) {
  const MemoryOptions options = parse_memory_options(arguments);
  switch (options.command) {
    case MemoryCommand::run: return memory_run_command(options, arguments);
    case MemoryCommand::list: std::cout << memory_list_text(options.topic); return 0;
    case MemoryCommand::show: return show_command(options);
    case MemoryCommand::plot: return plot_command(options);
    case MemoryCommand::published: std::cout << published_text(); return 0;
    case MemoryCommand::exit: return 0;
  }
  return 0;
}

}  // namespace
}  // namespace moe::programs

int main(int argc, char** argv) {
  try {
    return moe::programs::run_program({argv + 1, argv + argc});
  } catch (const moe::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return moe::exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    std::cerr << "error: out of host memory\n  use fewer tokens or a smaller configuration\n";
    return moe::exit_code(moe::ErrorKind::out_of_memory);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << " (a defect of this program; please report it)\n";
    return moe::exit_code(moe::ErrorKind::internal);
  }
}
