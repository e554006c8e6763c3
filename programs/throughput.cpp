// throughput: tokens per second and day, cost and energy of training or serving a model on N GPUs.
// docs/cli.md describes its flags.
#include <iostream>

#include "moe/error.h"
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
    case ThroughputCommand::exit: return 0;
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
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << " (a defect of this program; please report it)\n";
    return moe::exit_code(moe::ErrorKind::internal);
  }
}
