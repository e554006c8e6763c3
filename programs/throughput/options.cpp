// The commands of throughput and what each takes.
#include "throughput/options.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/command_line.h"
#include "cli/parse_errors.h"
#include "throughput/run_flags.h"
#include "version.h"

namespace moe::programs {
namespace {

CLI::App& add_command(CLI::App& app, ThroughputOptions& options, ThroughputCommand command,
                      const char* name, const char* summary) {
  CLI::App* added = app.add_subcommand(name, summary);
  added->callback([&options, command] { options.command = command; });
  return *added;
}

void add_commands(CLI::App& app, ThroughputFlags& flags, ThroughputOptions& options) {
  add_run_flags(add_command(app, options, ThroughputCommand::run, "run",
                            "rates, cost and scaling (the default)"),
                flags, options);
  add_command(app, options, ThroughputCommand::validate, "validate",
              "the model beside published runs; exit 4 when too few are near")
      .add_option("points", options.file, "FILE.toml in place of the shipped points");
  add_command(
      app, options, ThroughputCommand::check_table, "check-table",
      "contradictions of a published table with itself and physics; exit 1 when it has some")
      .add_option("table", options.file, "FILE.toml in place of the shipped tables");
  add_command(app, options, ThroughputCommand::factors, "factors",
              "every factor of the model: low, base, high, source");
}

std::string repeat_command(const std::vector<std::string>& arguments) {
  std::string text = "throughput";
  for (const std::string& argument : arguments) text += " " + quoted_for_shell(argument);
  return text;
}

}  // namespace

ThroughputOptions parse_throughput_options(const std::vector<std::string>& given) {
  ThroughputOptions options;
  ThroughputFlags flags;
  CLI::App app(
      "Tokens per second and day, GPU-hours, cost and energy of training or serving a model on N\n"
      "GPUs. With no arguments: training deepseek-v3 with 1 T tokens, on 8 H100 at 3.50 USD.",
      "throughput");
  app.set_version_flag("--version", kVersionText);
  app.require_subcommand(1);
  add_commands(app, flags, options);
  const std::vector<std::string> arguments =
      with_command(given, {"run", "validate", "check-table", "factors"});
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& asked) {
    if (arguments.front() == "--help" || arguments.front() == "-h") {
      std::cout << app.help("", CLI::AppFormatMode::All);
    } else {
      app.exit(asked);
    }
    options.command = ThroughputCommand::exit;
    return options;
  } catch (const CLI::ParseError& error) {
    const CLI::App* used = app.get_subcommands().empty() ? &app : app.get_subcommands().front();
    rethrow_as_usage(*used, error);
  }
  if (options.command == ThroughputCommand::run) {
    options.request = make_request(flags);
    options.measured_dtype = resolve_model(flags.shape).layer.dtype;
  }
  options.config_given = has_flag(arguments, "--config");
  options.gpu_given = has_flag(arguments, "--gpu");
  options.repeat_command = repeat_command(arguments);
  return options;
}

}  // namespace moe::programs
