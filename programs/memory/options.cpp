// CLI11 definitions of memory_analysis.
#include "memory/options.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/byte_size.h"
#include "cli/choice.h"
#include "cli/command_line.h"
#include "cli/parse_errors.h"
#include "cli/shape_flags.h"
#include "model/gpu_presets.h"
#include "moe/error.h"
#include "version.h"

namespace moe::programs {
namespace {

struct RawFlags {
  ShapeFlags shape;
  std::string variants = "all", mode = "forward_backward", optimizer = "adamw", capacity;
  std::vector<std::string> strategies;
  bool no_plots = false;
};

/// CLI11 would wrap "-1" round to 2^64 - 1. Returns what is wrong; empty = nothing.
std::string is_natural_number(const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return digits ? "" : text + " is not a whole number from 0 upwards";
}

void add_question_flags(CLI::App& app, RawFlags& raw, MemoryOptions& options) {
  const char* what = "What is asked";
  app.add_option("--variants", raw.variants, "all, or a list: vanilla,sonic,sonic+rounding")
      ->capture_default_str()
      ->group(what);
  app.add_option("--baseline", options.baseline, "row that the summary compares with")
      ->capture_default_str()
      ->group(what);
  app.add_option("--mode", raw.mode, "forward | forward_backward")
      ->capture_default_str()
      ->group(what);
  app.add_option("--optimizer", raw.optimizer, "adamw | adamw_bf16 | sgd | none: states counted")
      ->capture_default_str()
      ->group(what);
  app.add_option("--strategy", raw.strategies,
                 "what would it save? repeatable; all, or a name of `list strategies`")
      ->group(what);
}

void add_target_flags(CLI::App& app, RawFlags& raw, MemoryOptions& options) {
  const char* where = "On which device";
  app.add_option("--device", options.device, "auto | cpu | cuda[:i]")
      ->capture_default_str()
      ->group(where);
  app.add_option("--gpu", options.gpu, "predict for this GPU of `list gpus`, whatever is here")
      ->group(where);
  app.add_option("--capacity", raw.capacity, "memory to fit into, as 80GiB")->group(where);
  app.add_option("--threads", options.threads, "CPU threads, 0 = all")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str()
      ->group(where);
}

void add_measuring_flags(CLI::App& app, MemoryOptions& options) {
  const char* how = "How it is measured";
  app.add_flag("--predict-only", options.predict_only, "plans alone: nothing is run")->group(how);
  app.add_flag("--profile", options.profile,
               "one pass of one variant and nothing else, for ncu and the like")
      ->group(how);
  app.add_option("--max-time", options.max_time_s,
                 "seconds that measuring may be expected to take; above it: predicted only")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str()
      ->group(how);
  app.add_option("--routing", options.routing, "natural | balanced | zipf:S | hot:N")
      ->capture_default_str()
      ->group(how);
  app.add_option("--seed", options.seed, "of all data")
      ->check(is_natural_number)
      ->capture_default_str()
      ->group(how);
}

void add_output_flags(CLI::App& app, RawFlags& raw, MemoryOptions& options) {
  const char* output = "Output";
  app.add_option("--out", options.out, "folder of results")->capture_default_str()->group(output);
  app.add_flag("--no-plots", raw.no_plots, "no picture")->group(output);
  app.add_flag("--quiet,-q", options.quiet, "no progress on stderr")->group(output);
}

CLI::App& add_command(CLI::App& app, MemoryOptions& options, MemoryCommand command,
                      const char* name, const char* summary) {
  CLI::App* added = app.add_subcommand(name, summary);
  added->callback([&options, command] { options.command = command; });
  return *added;
}

void add_commands(CLI::App& app, RawFlags& raw, MemoryOptions& options) {
  CLI::App& run = add_command(app, options, MemoryCommand::run, "run", "analyse (the default)");
  add_shape_flags(run, raw.shape);
  add_question_flags(run, raw, options);
  add_target_flags(run, raw, options);
  add_measuring_flags(run, options);
  add_output_flags(run, raw, options);
  for (CLI::Option* option : run.get_options()) {
    if (option->get_items_expected_max() == 0) option->disable_flag_override();
  }
  add_command(app, options, MemoryCommand::list, "list", "what there is: gpus, strategies")
      .add_option("topic", options.topic, "one of them; all when left out");
  for (const auto& [command, name, summary] :
       {std::tuple{MemoryCommand::show, "show", "a saved analysis again"},
        std::tuple{MemoryCommand::plot, "plot", "draw the picture of a saved analysis again"}}) {
    CLI::App& each = add_command(app, options, command, name, summary);
    each.add_option("run", options.topic, "run id, its folder, or last")->required();
    each.add_option("--out", options.out, "folder of results")->capture_default_str();
  }
  add_command(app, options, MemoryCommand::published, "published",
              "the published activation-memory figure beside our formulas");
}

std::vector<std::string> command_names(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

std::vector<model::Strategy> parse_strategies(const std::vector<std::string>& texts) {
  std::vector<model::Strategy> strategies;
  for (const std::string& text : texts) {
    if (text == "all") {
      for (const model::Strategy& each : model::all_strategies()) strategies.push_back(each);
    } else {
      strategies.push_back(model::parse_strategy(text));
    }
  }
  return strategies;
}

void finish_run_options(const std::vector<std::string>& arguments, const RawFlags& raw,
                        MemoryOptions& options) {
  using model::Optimizer;
  options.model = resolve_model(raw.shape);
  options.training =
      parse_choice<bool>("--mode", raw.mode, {{"forward", false}, {"forward_backward", true}});
  options.optimizer = parse_choice<Optimizer>("--optimizer", raw.optimizer,
                                              {{"none", Optimizer::none},
                                               {"adamw", Optimizer::adamw},
                                               {"adamw_bf16", Optimizer::adamw_bf16},
                                               {"sgd", Optimizer::sgd}});
  options.strategies = parse_strategies(raw.strategies);
  if (!options.strategies.empty() && !options.training) {
    throw Error(ErrorKind::usage, "--strategy with --mode forward",
                "strategies are about what backward needs", "leave one of them out");
  }
  if (!raw.capacity.empty()) options.capacity_bytes = parse_bytes(raw.capacity);
  if (options.capacity_bytes && *options.capacity_bytes == 0) {
    throw Error(ErrorKind::usage, "--capacity " + raw.capacity, "nothing fits into no memory",
                "write it as 80GiB or 80GB");
  }
  if (!options.gpu.empty()) model::gpu_preset(options.gpu);  // or refuses
  if (!options.gpu.empty() && options.profile) {
    throw Error(ErrorKind::usage, "--profile runs a pass, --gpu predicts one", "",
                "choose the device with --device");
  }
  if (raw.variants != "all") options.variants = CLI::detail::split(raw.variants, ',');
  options.plots = !raw.no_plots;
  options.repeat_command = "memory_analysis";
  for (std::size_t i = 1; i < arguments.size(); ++i) {  // the first is "run"
    options.repeat_command += " " + quoted_for_shell(arguments[i]);
  }
}

}  // namespace

MemoryOptions parse_memory_options(const std::vector<std::string>& given) {
  MemoryOptions options;
  RawFlags raw;
  CLI::App app(
      "What one Mixture-of-Experts layer needs of memory: composition at the peak, what fits, "
      "what\n"
      "would reduce it. With no arguments: the small configuration, predicted and measured here.",
      "memory_analysis");
  app.set_version_flag("--version", kVersionText);
  app.require_subcommand(1);
  add_commands(app, raw, options);
  const std::vector<std::string> arguments = with_command(given, command_names(app));
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& asked) {
    if (arguments.front() == "--help" || arguments.front() == "-h") {
      std::cout << app.help("", CLI::AppFormatMode::All);
    } else {
      app.exit(asked);
    }
    options.command = MemoryCommand::exit;
    return options;
  } catch (const CLI::ParseError& error) {
    const CLI::App* used = app.get_subcommands().empty() ? &app : app.get_subcommands().front();
    rethrow_as_usage(*used, error);
  }
  if (options.command == MemoryCommand::run) finish_run_options(arguments, raw, options);
  return options;
}

}  // namespace moe::programs
