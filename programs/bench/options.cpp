// The commands of bench_moe_variants and what each takes.
#include "bench/options.h"

#include <CLI/CLI.hpp>

#include "bench/compare_flags.h"
#include "bench/run_flags.h"
#include "bench/trace_flags.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "version.h"

namespace moe::programs {
namespace {

void add_out(CLI::App& command, BenchOptions& options) {
  command.add_option("--out", options.out, "folder of results")
      ->type_name("DIR")
      ->capture_default_str();
}

void add_commands(CLI::App& app, RawFlags& raw, BenchOptions& options) {
  const auto choose = [&options](Command command) {
    return [&options, command] { options.command = command; };
  };
  const auto add = [&](Command command, const char* name, const char* summary) -> CLI::App& {
    return add_command(app, name, summary, choose(command));
  };
  add_run_flags(add(Command::run, "run", "measure (the default)"), raw, options);

  CLI::App& list =
      add(Command::list, "list", "what there is: configs, variants, devices, routings");
  list.add_option("topic", options.topic, "one of them; all when left out")->type_name("TOPIC");

  CLI::App& show =
      add(Command::show, "show", "a configuration (NAME or FILE), a saved run, or a trace");
  show.add_option("name", options.topic,
                  "preset, FILE.toml, config.json, trace, or a run: id, last, last~N")
      ->type_name("RUN")
      ->default_str("last");
  add_out(show, options);
  add_format_flag(show, options.screen);
  add_color_flag(show, options.screen);

  CLI::App& plot =
      add(Command::plot, "plot", "draw the pictures of a saved run again, or of a trace");
  plot.add_option("run", options.topic, "run id, its folder, last, last~N, or a trace")
      ->type_name("RUN")
      ->default_str("last");
  add_out(plot, options);

  CLI::App& compare = add(Command::compare, "compare", "two saved runs, a verdict per point");
  add_compare_flags(compare, options.compare);
  add_out(compare, options);
  add_format_flag(compare, options.screen);
  add_color_flag(compare, options.screen);

  add_record_flags(
      add(Command::record, "record", "write a trace: what a router chooses, layer by layer"), raw,
      options);
  add_convert_flags(
      add(Command::convert, "convert", "write a trace from .npy arrays of expert ids"), options);

  add_shell_commands(app, options.topic, choose(Command::completion), choose(Command::man));
}

/// Whether anything but --resume and the group "Output" was given.
bool has_run_flags(CLI::App& run) {
  const std::vector<CLI::Option*> given = run.get_options([](const CLI::Option* option) {
    return option->count() > 0 && option->get_group() != "Output" &&
           option->get_name() != "--resume";
  });
  return !given.empty();
}

/// Parsing `app` fills `raw` and `options`.
void define(CLI::App& app, RawFlags& raw, BenchOptions& options) {
  app.name("bench_moe_variants");
  app.description(
      "Compares Mixture-of-Experts implementations: latency, tokens/s, expert load, memory.\n"
      "With no arguments: the small configuration, all variants, forward and backward.");
  app.set_version_flag("--version", kVersionText);
  options.sampling.time_cap_s = 60;
  add_commands(app, raw, options);
}

}  // namespace

BenchOptions parse_bench_options(const std::vector<std::string>& given) {
  BenchOptions options;
  RawFlags raw;
  CLI::App app;
  define(app, raw, options);
  const auto arguments = parse_commands(app, given);
  if (!arguments) {
    options.command = Command::exit;
    return options;
  }
  const bool takes_run = options.command == Command::show || options.command == Command::plot;
  if (takes_run && options.topic.empty()) options.topic = "last";
  if (options.command == Command::run) {
    raw.has_max_samples = has_flag(*arguments, "--max-samples");
    options.has_run_flags = has_run_flags(*app.get_subcommands().front());
    finish_run_options(*arguments, raw, options);
  }
  if (options.command == Command::record) finish_record_options(raw, options);
  return options;
}

ShellPages bench_pages() {
  BenchOptions options;
  RawFlags raw;
  CLI::App app;
  define(app, raw, options);
  ShellPages pages{describe_program(app), usual_words(), {}};
  pages.words["TOPIC"] = {"configs", "variants", "devices", "routings"};
  ManualSection environment = usual_environment();
  environment.entries.push_back({"NO_COLOR", "no colour with --color auto"});
  environment.entries.push_back({"CLICOLOR_FORCE", "colour without a terminal, unless 0"});
  pages.sections = {
      {"FILES",
       {{"results/runs/ID/run.json", "the whole run; schema: docs/schema/run.schema.json"},
        {"results/runs/ID/points.jsonl", "each row as soon as it is finished"},
        {"results/*.png", "pictures of the latest run"}}},
      environment,
      {"EXIT STATUS",
       {{"0", "everything asked for was produced"},
        {"1", "a check failed, or no row ran"},
        {"2", "bad usage: flag, name, file or shape"},
        {"3", "the device is not there or not able; out of memory outside of a row"},
        {"4", "a regression beyond --fail-on-regression"},
        {"5", "--strict and a row was skipped"},
        {"6", "results could not be written"},
        {"130, 143", "interrupted; finished rows are saved"}}}};
  return pages;
}

}  // namespace moe::programs
