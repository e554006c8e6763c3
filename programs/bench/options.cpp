// The commands of bench_moe_variants and what each takes.
#include "bench/options.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "bench/compare_flags.h"
#include "bench/run_flags.h"
#include "bench/trace_flags.h"
#include "cli/command_line.h"
#include "cli/parse_errors.h"
#include "version.h"

namespace moe::programs {
namespace {

/// A command whose parsing sets options.command.
CLI::App& add_command(CLI::App& app, BenchOptions& options, Command command, const char* name,
                      const char* summary) {
  CLI::App* added = app.add_subcommand(name, summary);
  added->callback([&options, command] { options.command = command; });
  return *added;
}

void add_out(CLI::App& command, BenchOptions& options) {
  command.add_option("--out", options.out, "folder of results")
      ->type_name("DIR")
      ->capture_default_str();
}

void add_commands(CLI::App& app, RawFlags& raw, BenchOptions& options) {
  add_run_flags(add_command(app, options, Command::run, "run", "measure (the default)"), raw,
                options);

  CLI::App& list = add_command(app, options, Command::list, "list",
                               "what there is: configs, variants, devices, routings");
  list.add_option("topic", options.topic, "one of them; all when left out")->type_name("TOPIC");

  CLI::App& show = add_command(app, options, Command::show, "show",
                               "a configuration (NAME or FILE), a saved run, or a trace");
  show.add_option("name", options.topic,
                  "preset, FILE.toml, config.json, trace, or a run: id, last, last~N")
      ->type_name("RUN")
      ->default_str("last");
  add_out(show, options);
  add_format_flag(show, options.screen);
  add_color_flag(show, options.screen);

  CLI::App& plot = add_command(app, options, Command::plot, "plot",
                               "draw the pictures of a saved run again, or of a trace");
  plot.add_option("run", options.topic, "run id, its folder, last, last~N, or a trace")
      ->type_name("RUN")
      ->default_str("last");
  add_out(plot, options);

  CLI::App& compare =
      add_command(app, options, Command::compare, "compare", "two saved runs, a verdict per point");
  add_compare_flags(compare, options.compare);
  add_out(compare, options);
  add_format_flag(compare, options.screen);
  add_color_flag(compare, options.screen);

  add_record_flags(add_command(app, options, Command::record, "record",
                               "write a trace: what a router chooses, layer by layer"),
                   raw, options);
  add_convert_flags(add_command(app, options, Command::convert, "convert",
                                "write a trace from .npy arrays of expert ids"),
                    options);

  add_command(app, options, Command::completion, "completion", "a completion script for a shell")
      .add_option("shell", options.topic, "bash | zsh")
      ->required();
  add_command(app, options, Command::man, "man", "the manual page, for man -l or a file");
}

std::vector<std::string> command_names(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

/// Whether anything but --resume and the group "Output" was given.
bool has_run_flags(CLI::App& run) {
  const std::vector<CLI::Option*> given = run.get_options([](const CLI::Option* option) {
    return option->count() > 0 && option->get_group() != "Output" &&
           option->get_name() != "--resume";
  });
  return !given.empty();
}

/// Help of the whole program covers its commands too.
void print_help_or_version(const CLI::App& app, const std::string& first,
                           const CLI::Success& asked) {
  if (first == "--help" || first == "-h") {
    std::cout << app.help("", CLI::AppFormatMode::All);
  } else {
    app.exit(asked);
  }
}

}  // namespace

void define_bench(CLI::App& app, RawFlags& raw, BenchOptions& options) {
  app.name("bench_moe_variants");
  app.description(
      "Compares Mixture-of-Experts implementations: latency, tokens/s, expert load, memory.\n"
      "With no arguments: the small configuration, all variants, forward and backward.");
  app.set_version_flag("--version", kVersionText);
  app.require_subcommand(1);
  options.sampling.time_cap_s = 60;
  add_commands(app, raw, options);
}

BenchOptions parse_bench_options(const std::vector<std::string>& given) {
  BenchOptions options;
  RawFlags raw;
  CLI::App app;
  define_bench(app, raw, options);
  const std::vector<std::string> arguments = with_command(given, command_names(app));
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& asked) {
    print_help_or_version(app, arguments.front(), asked);
    options.command = Command::exit;
    return options;
  } catch (const CLI::ParseError& error) {
    const CLI::App* used = app.get_subcommands().empty() ? &app : app.get_subcommands().front();
    rethrow_as_usage(*used, error);
  }
  const bool takes_run = options.command == Command::show || options.command == Command::plot;
  if (takes_run && options.topic.empty()) options.topic = "last";
  if (options.command == Command::run) {
    raw.has_max_samples = has_flag(arguments, "--max-samples");
    options.has_run_flags = has_run_flags(*app.get_subcommands().front());
    finish_run_options(arguments, raw, options);
  }
  if (options.command == Command::record) finish_record_options(raw, options);
  return options;
}

}  // namespace moe::programs
