// bench_moe_variants: compares MoE implementations on one layer. docs/cli.md describes its flags.
#include <iostream>

#include "bench/compare_command.h"
#include "bench/list.h"
#include "bench/options.h"
#include "bench/plot_command.h"
#include "bench/run_command.h"
#include "bench/trace_commands.h"
#include "cli/run_main.h"

namespace moe::programs {
namespace {

int run_program(const std::vector<std::string>& arguments) {
  const BenchOptions options = parse_bench_options(arguments);
  switch (options.command) {
    case Command::run: return run_command(options, arguments);
    case Command::list: std::cout << list_text(options.topic); return 0;
    case Command::show: std::cout << show_text(options); return 0;
    case Command::plot: return plot_command(options);
    case Command::record: return record_command(options);
    case Command::convert: return convert_command(options);
    case Command::compare: return compare_command(options);
    case Command::completion:
      std::cout << completion_script(bench_pages(), options.topic);
      return 0;
    case Command::man: std::cout << manual_page(bench_pages()); return 0;
    case Command::exit: return 0;
  }
  return 0;
}

}  // namespace
}  // namespace moe::programs

int main(int argc, char** argv) {
  return moe::programs::run_main(argc, argv, moe::programs::run_program);
}
