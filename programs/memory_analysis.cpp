// memory_analysis: what one MoE layer needs of memory, and what would reduce it. docs/cli.md
// describes its flags.
#include <iostream>

#include "cli/run_main.h"
#include "memory/list.h"
#include "memory/options.h"
#include "memory/run_command.h"
#include "memory/saved_run.h"

namespace moe::programs {
namespace {

int run_program(const std::vector<std::string>& arguments) {
  const MemoryOptions options = parse_memory_options(arguments);
  switch (options.command) {
    case MemoryCommand::run: return memory_run_command(options, arguments);
    case MemoryCommand::list: std::cout << memory_list_text(options.topic); return 0;
    case MemoryCommand::show: std::cout << saved_memory_text(options); return 0;
    case MemoryCommand::plot: return memory_plot_command(options);
    case MemoryCommand::published: std::cout << published_text(); return 0;
    case MemoryCommand::completion:
      std::cout << completion_script(memory_pages(), options.topic);
      return 0;
    case MemoryCommand::man: std::cout << manual_page(memory_pages()); return 0;
    case MemoryCommand::exit: return 0;
  }
  return 0;
}

}  // namespace
}  // namespace moe::programs

int main(int argc, char** argv) {
  return moe::programs::run_main(argc, argv, moe::programs::run_program);
}
