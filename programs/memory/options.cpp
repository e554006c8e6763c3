// The commands of memory_analysis and what each takes.
#include "memory/options.h"

#include <CLI/CLI.hpp>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "memory/run_flags.h"
#include "version.h"

namespace moe::programs {
namespace {

void add_commands(CLI::App& app, MemoryFlags& flags, MemoryOptions& options) {
  const auto choose = [&options](MemoryCommand command) {
    return [&options, command] { options.command = command; };
  };
  const auto add = [&](MemoryCommand command, const char* name, const char* summary) -> CLI::App& {
    return add_command(app, name, summary, choose(command));
  };
  add_memory_flags(add(MemoryCommand::run, "run", "analyse (the default)"), flags, options);
  add(MemoryCommand::list, "list", "what there is: gpus, strategies")
      .add_option("topic", options.topic, "one of them; all when left out")
      ->type_name("TOPIC");
  CLI::App& show = add(MemoryCommand::show, "show", "a saved analysis again");
  CLI::App& plot = add(MemoryCommand::plot, "plot", "draw the picture of a saved analysis again");
  for (CLI::App* command : {&show, &plot}) {
    command->add_option("run", options.topic, "run id, its folder, last or last~N")
        ->type_name("RUN")
        ->default_str("last");
    add_out_flag(*command, options.output);
  }
  add_steps_flag(show, options);
  add(MemoryCommand::published, "published",
      "the published activation-memory figure beside our formulas");
  add_shell_commands(app, options.topic, choose(MemoryCommand::completion),
                     choose(MemoryCommand::man));
}

/// Parsing `app` fills `flags` and `options`.
void define(CLI::App& app, MemoryFlags& flags, MemoryOptions& options) {
  app.name("memory_analysis");
  app.description(
      "What one Mixture-of-Experts layer needs of memory: composition at the peak, what fits,\n"
      "what would reduce it. With no arguments: the small configuration, predicted and measured\n"
      "here.");
  app.set_version_flag("--version", kVersionText);
  add_commands(app, flags, options);
}

}  // namespace

MemoryOptions parse_memory_options(const std::vector<std::string>& given) {
  MemoryOptions options;
  MemoryFlags flags;
  CLI::App app;
  define(app, flags, options);
  const auto arguments = parse_commands(app, given);
  if (!arguments) {
    options.command = MemoryCommand::exit;
    return options;
  }
  const bool takes_run =
      options.command == MemoryCommand::show || options.command == MemoryCommand::plot;
  if (takes_run && options.topic.empty()) options.topic = "last";
  if (options.command == MemoryCommand::run) finish_memory_options(flags, options);
  options.dtype_is_open = !has_flag(*arguments, "--config") && !flags.shape.given.contains("dtype");
  options.repeat_command = repeat_command(app.get_name(), *arguments);
  return options;
}

ShellPages memory_pages() {
  MemoryOptions options;
  MemoryFlags flags;
  CLI::App app;
  define(app, flags, options);
  ShellPages pages{describe_program(app), usual_words(), {}};
  pages.program.run_folder = "memory/runs";
  pages.words["TOPIC"] = {"gpus", "strategies"};
  pages.words["STRATEGY"] = {"all"};
  for (const model::Strategy& strategy : model::all_strategies()) {
    pages.words["STRATEGY"].push_back(to_string(strategy));
  }
  pages.sections = {
      {"FILES",
       {{"results/memory_breakdown.png", "the picture of the latest analysis"},
        {"results/memory/runs/ID/run.json", "the whole analysis, in bytes, FLOP and seconds"},
        {"results/memory/runs/ID/memory.csv", "every tensor of every phase"},
        {"results/memory/runs/ID/steps.csv", "every step: FLOP, bytes of device memory"}}},
      usual_environment(),
      {"EXIT STATUS",
       {{"0", "everything asked for was produced"},
        {"1", "a pass wrote outside of its memory, or a defect of this program"},
        {"2", "bad usage: flag, name, file or shape"},
        {"3", "the device is not there or not able; out of memory"},
        {"6", "results could not be written, or plot could not draw"},
        {"130, 143", "interrupted; what was measured before is saved"}}}};
  return pages;
}

}  // namespace moe::programs
