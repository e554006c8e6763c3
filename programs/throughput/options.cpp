// The commands of throughput and what each takes.
#include "throughput/options.h"

#include <CLI/CLI.hpp>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "throughput/run_flags.h"
#include "version.h"

namespace moe::programs {
namespace {

void add_commands(CLI::App& app, ThroughputFlags& flags, ThroughputOptions& options) {
  const auto choose = [&options](ThroughputCommand command) {
    return [&options, command] { options.command = command; };
  };
  const auto add = [&](ThroughputCommand command, const char* name,
                       const char* summary) -> CLI::App& {
    return add_command(app, name, summary, choose(command));
  };
  add_run_flags(add(ThroughputCommand::run, "run", "rates, cost and scaling (the default)"), flags,
                options);
  add(ThroughputCommand::validate, "validate",
      "the model beside published runs; exit 4 when too few are near")
      .add_option("points", options.file, "FILE.toml in place of the shipped points")
      ->type_name("FILE");
  add(ThroughputCommand::check_table, "check-table",
      "contradictions of a published table with itself and physics; exit 1 when it has some")
      .add_option("table", options.file, "FILE.toml in place of the shipped tables")
      ->type_name("FILE");
  add(ThroughputCommand::factors, "factors", "every factor of the model: low, base, high, source");
  add_shell_commands(app, options.shell, choose(ThroughputCommand::completion),
                     choose(ThroughputCommand::man));
}

/// Parsing `app` fills `flags` and `options`.
void define(CLI::App& app, ThroughputFlags& flags, ThroughputOptions& options) {
  app.name("throughput");
  app.description(
      "Tokens per second and day, cost and energy of training or serving a model on N GPUs:\n"
      "modelled, or from layers measured by bench_moe_variants, and every row says which.\n"
      "With no arguments: training deepseek-v3 with 1 T tokens, on 8 H100 at 3.50 USD.");
  app.set_version_flag("--version", kVersionText);
  add_commands(app, flags, options);
}

}  // namespace

ThroughputOptions parse_throughput_options(const std::vector<std::string>& given) {
  ThroughputOptions options;
  ThroughputFlags flags;
  CLI::App app;
  define(app, flags, options);
  const auto arguments = parse_commands(app, given);
  if (!arguments) {
    options.command = ThroughputCommand::exit;
    return options;
  }
  if (options.command == ThroughputCommand::run) {
    options.request = make_request(flags);
    options.measured_model = resolve_model(flags.shape);
  }
  options.config_given = has_flag(*arguments, "--config");
  options.gpu_given = has_flag(*arguments, "--gpu");
  options.repeat_command = repeat_command(app.get_name(), *arguments);
  return options;
}

ShellPages throughput_pages() {
  ThroughputOptions options;
  ThroughputFlags flags;
  CLI::App app;
  define(app, flags, options);
  ShellPages pages{describe_program(app), usual_words(), {}};
  for (const model::FactorRule& rule : model::factor_rules()) {
    pages.words["SETTING"].push_back(std::string(rule.name) + "=");
  }
  pages.sections = {
      {"FILES",
       {{"results/throughput_scaling.png", "the picture of the latest run"},
        {"results/throughput/ID/throughput.json", "assumptions, rows, scaling and factors"},
        {"results/throughput/ID/table.csv", "every row, SI units"},
        {"results/runs/ID/", "what --measure measured, a run like bench_moe_variants' own"}}},
      usual_environment(),
      {"EXIT STATUS",
       {{"0", "everything asked for was produced"},
        {"1", "check-table found a contradiction; or a defect of this program"},
        {"2", "bad usage: flag, name, file or shape"},
        {"3", "--measure: the device is not there or not able"},
        {"4", "validate: too few points are within the bounds"},
        {"6", "results could not be written"}}}};
  return pages;
}

}  // namespace moe::programs
