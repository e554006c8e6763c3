// throughput: tokens per second and day, cost and energy of training or serving a model on N GPUs.
// docs/cli.md describes its flags.
#include <iostream>

#include "cli/run_main.h"
#include "throughput/commands.h"

namespace moe::programs {
namespace {

int run_program(const std::vector<std::string>& arguments) {
  const ThroughputOptions options = parse_throughput_options(arguments);
  switch (options.command) {
    case ThroughputCommand::run: return run_throughput(options);
    case ThroughputCommand::validate: return validate_command(options);
    case ThroughputCommand::check_table: return check_table_command(options);
    case ThroughputCommand::factors: return factors_command();
    case ThroughputCommand::completion:
      std::cout << completion_script(throughput_pages(), options.shell);
      return 0;
    case ThroughputCommand::man: std::cout << manual_page(throughput_pages()); return 0;
    case ThroughputCommand::exit: return 0;
  }
  return 0;
}

}  // namespace
}  // namespace moe::programs

int main(int argc, char** argv) {
  return moe::programs::run_main(argc, argv, moe::programs::run_program);
}
