// CLI11 definitions of every flag, and the few rules that a parser cannot know.
#include "options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <limits>
#include <map>

#include "config/enum_names.h"
#include "config/load.h"
#include "config/nearest_name.h"
#include "config/presets.h"
#include "config/validate.h"
#include "moe/error.h"
#include "version.h"

namespace moe::programs {
namespace {

/// Shape flags as given; an absent one keeps the configuration's value.
struct ShapeFlags {
  std::string config = "small";
  std::optional<std::int64_t> num_experts, hidden_dim, ffn_dim, top_k, batch_size, seq_len, tokens,
      tile;
  std::optional<std::string> activation, dtype, rounding;
};

struct RawFlags {
  ShapeFlags shape;
  std::string mode = "forward_backward", check = "quick", variants = "all", dump_limit = "8GiB";
  bool quick_run = false, no_plots = false, has_max_samples = false;
};

void add_shape_flags(CLI::App& app, ShapeFlags& shape) {
  const char* group = "Shape";
  app.add_option("--config", shape.config, "preset, FILE.toml, or a Hugging Face config.json")
      ->capture_default_str()
      ->group(group);
  app.add_option("--num-experts", shape.num_experts, "routed experts [E]")->group(group);
  app.add_option("--hidden-dim", shape.hidden_dim, "model width [d]")->group(group);
  app.add_option("--ffn-dim", shape.ffn_dim, "width of one expert [n]")->group(group);
  app.add_option("--top-k", shape.top_k, "experts per token [K]")->group(group);
  app.add_option("--batch-size", shape.batch_size, "sequences in a batch")->group(group);
  app.add_option("--seq-len", shape.seq_len, "tokens in a sequence")->group(group);
  app.add_option("--tokens", shape.tokens,
                 "tokens entering the layer [T], in place of the two above")
      ->group(group);
  app.add_option("--activation", shape.activation, "swiglu | relu2")->group(group);
  app.add_option("--dtype", shape.dtype, "fp32 | bf16")->group(group);
  app.add_option("--tile", shape.tile, "multiple that +rounding rows round to (changes results)")
      ->group(group);
  app.add_option("--rounding", shape.rounding, "rule of +rounding rows: nearest | up | down")
      ->group(group);
}

/// CLI11 would wrap "-1" round to 2^64 - 1. Returns what is wrong; empty = nothing.
std::string is_natural_number(const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return digits ? "" : text + " is not a whole number from 0 upwards";
}

void add_comparison_flags(CLI::App& app, RawFlags& raw, BenchOptions& options) {
  const char* what = "What is compared";
  app.add_option("--variants", raw.variants, "all, or a list: vanilla,sonic,sonic+rounding")
      ->capture_default_str()
      ->group(what);
  app.add_option("--baseline", options.baseline,
                 "row that speed-up is relative to; the device's first when left out")
      ->group(what);
  app.add_option("--mode", raw.mode, "forward | forward_backward")
      ->capture_default_str()
      ->group(what);
  app.add_option("--routing", options.routing, "natural | balanced | zipf:S | hot:N")
      ->capture_default_str()
      ->group(what);
  app.add_option("--seed", options.seed, "of all data")
      ->check(is_natural_number)
      ->capture_default_str()
      ->group(what);
  app.add_option("--device", options.device, "auto | cpu | cuda[:i]")
      ->capture_default_str()
      ->group(what);
  app.add_option("--threads", options.threads, "CPU threads, 0 = all")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str()
      ->group(what);
}

void add_sampling_flags(CLI::App& app, RawFlags& raw, BenchOptions& options) {
  const char* how = "How it is measured";
  app.add_option("--check", raw.check, "truth before timing: off | quick | full")
      ->capture_default_str()
      ->group(how);
  app.add_option("--min-samples", options.sampling.min_samples, "before noise is judged")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str()
      ->group(how);
  app.add_option("--max-samples", options.sampling.max_samples, "at most, however noisy")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str()
      ->group(how);
  app.add_option("--max-noise", options.sampling.noise_target,
                 "(q3 - q1) / median that ends sampling")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(how);
  app.add_option("--max-time", options.sampling.time_cap_s,
                 "seconds for the whole run; one sample each is always taken")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str()
      ->group(how);
  app.add_flag("--fast", raw.quick_run, "three samples each: an indication, no noise figure")
      ->group(how);
  app.add_flag("--dry-run", options.dry_run, "memory and time estimates, nothing is run")
      ->group(how);
}

void add_output_flags(CLI::App& app, RawFlags& raw, BenchOptions& options) {
  const char* output = "Output";
  app.add_option("--out", options.out, "folder of results")->capture_default_str()->group(output);
  app.add_option("--dump-tensors", options.dump_folder,
                 "write every tensor as .npy below this folder")
      ->group(output);
  app.add_option("--dump-limit", raw.dump_limit, "most that --dump-tensors may write")
      ->capture_default_str()
      ->group(output);
  app.add_flag("--no-plots", raw.no_plots, "no pictures")->group(output);
  app.add_flag("--quiet,-q", options.quiet, "no progress on stderr")->group(output);
  app.add_flag("--strict", options.strict, "exit 5 when a variant was skipped")->group(output);
}

void add_run_flags(CLI::App& app, RawFlags& raw, BenchOptions& options) {
  add_shape_flags(app, raw.shape);
  add_comparison_flags(app, raw, options);
  add_sampling_flags(app, raw, options);
  add_output_flags(app, raw, options);
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() == 0)
      option->disable_flag_override();  // "--fast=2" is an error
  }
}

template <class Value>
void override_with(const std::optional<Value>& given, Value& value) {
  if (given) value = *given;
}

/// config::validate() would speak of --seq-len, which nobody gave.
void check_tokens(std::int64_t tokens) {
  const std::string flag = "--tokens " + std::to_string(tokens);
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (tokens < 1) {
    throw Error(ErrorKind::usage, flag + ": at least 1 token is needed", "",
                "use --tokens 1 or more");
  }
  if (tokens > kMost) {
    throw Error(ErrorKind::usage, flag + ": no size may be above " + std::to_string(kMost), "",
                "use fewer tokens");
  }
}

ModelConfig resolve_model(const ShapeFlags& shape) {
  ModelConfig model = config::load_config(shape.config);
  if (model.unsupported) {
    throw Error(ErrorKind::usage, "config '" + model.name + "' is not supported",
                *model.unsupported);
  }
  if (shape.tokens && (shape.batch_size || shape.seq_len)) {
    throw Error(ErrorKind::usage, "--tokens stands in the place of --batch-size and --seq-len", "",
                "give --tokens alone, or the other two");
  }
  LayerConfig& layer = model.layer;
  override_with(shape.num_experts, layer.num_experts);
  override_with(shape.hidden_dim, layer.hidden_dim);
  override_with(shape.ffn_dim, layer.ffn_dim);
  override_with(shape.top_k, layer.top_k);
  override_with(shape.batch_size, model.batch_size);
  override_with(shape.seq_len, model.seq_len);
  if (shape.tokens) {
    check_tokens(*shape.tokens);
    model.batch_size = 1;
    model.seq_len = *shape.tokens;
  }
  if (shape.activation) layer.activation = config::parse_activation(*shape.activation);
  if (shape.dtype) layer.dtype = config::parse_dtype(*shape.dtype);
  override_with(shape.tile, layer.rounding.tile);
  layer.rounding.rule = RoundingRule::nearest;
  if (shape.rounding) layer.rounding.rule = config::parse_rounding_rule(*shape.rounding);
  if (layer.rounding.rule == RoundingRule::none) {
    throw Error(ErrorKind::usage, "--rounding none", "the rule is for +rounding rows, which round",
                "leave those rows out: --variants vanilla,grouped_gemm,sonic");
  }
  config::validate(model);
  return model;
}

template <class Value>
Value parse_choice(const char* flag, const std::string& text,
                   const std::map<std::string, Value>& choices) {
  const auto found = choices.find(text);
  if (found != choices.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [name, value] : choices) known.push_back(name);
  throw Error(ErrorKind::usage, config::unknown_name(std::string("value of ") + flag, text, known),
              "", "known: " + config::listed(known));
}

/// CLI11's "Could not convert: --tokens = 1.5" as "--tokens 1.5: not a whole number".
std::string conversion_text(const CLI::App& app, const std::string& text) {
  const std::size_t begin = text.find("--"), equals = text.find(" = ");
  if (begin == std::string::npos || equals == std::string::npos) return text;
  const std::string flag = text.substr(begin, equals - begin);
  const CLI::Option* option = app.get_option_no_throw(flag);
  const bool whole = option != nullptr && option->get_type_name().rfind("FLOAT", 0) != 0;
  return flag + " " + text.substr(equals + 3) + (whole ? ": not a whole number" : ": not a number");
}

/// What is wrong in an argument list, in our words.
[[noreturn]] void rethrow_as_usage(const CLI::App& app, const CLI::ParseError& error) {
  const std::string remedy = "see: bench_moe_variants --help";
  const auto* extras = dynamic_cast<const CLI::ExtrasError*>(&error);
  const std::vector<std::string> remaining = app.remaining();
  if (extras != nullptr && !remaining.empty()) {
    if (remaining.front().rfind('-', 0) != 0) {
      throw Error(ErrorKind::usage, "unexpected argument '" + remaining.front() + "'", "", remedy);
    }
    std::vector<std::string> known;
    for (const CLI::Option* option : app.get_options()) known.push_back(option->get_name());
    const std::string flag = remaining.front().substr(0, remaining.front().find('='));
    throw Error(ErrorKind::usage, config::unknown_name("flag", flag, known), "", remedy);
  }
  std::string what = error.what();
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr)
    what = conversion_text(app, what);
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
    what = app.get_name() + ": " + what;
  throw Error(ErrorKind::usage, what, "", remedy);
}

std::string quoted_for_shell(const std::string& argument) {
  const bool plain =
      argument.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+.,:/") ==
      std::string::npos;
  if (plain && !argument.empty()) return argument;
  std::string quoted = "'";
  for (char c : argument) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string repeat_command(const std::vector<std::string>& arguments, const RawFlags& raw,
                           const BenchOptions& o) {
  std::string command = "bench_moe_variants";
  const auto given = [&](const std::string& flag) {
    for (const std::string& argument : arguments) {
      if (argument == flag || argument.rfind(flag + "=", 0) == 0) return true;
    }
    return false;
  };
  if (!given("--config")) command += " --config " + quoted_for_shell(raw.shape.config);
  for (std::size_t i = 1; i < arguments.size(); ++i) {  // the first is "run"
    command += " " + quoted_for_shell(arguments[i]);
  }
  if (!given("--seed")) command += " --seed " + std::to_string(o.seed);
  return command;
}

void finish_run_options(const std::vector<std::string>& arguments, const RawFlags& raw,
                        BenchOptions& options) {
  options.model = resolve_model(raw.shape);
  options.backward =
      parse_choice<bool>("--mode", raw.mode, {{"forward", false}, {"forward_backward", true}});
  options.check = parse_choice<measure::CheckLevel>("--check", raw.check,
                                                    {{"off", measure::CheckLevel::off},
                                                     {"quick", measure::CheckLevel::quick},
                                                     {"full", measure::CheckLevel::full}});
  options.dump_limit_bytes = parse_bytes(raw.dump_limit);
  options.plots = !raw.no_plots;
  if (!raw.has_max_samples) {
    options.sampling.max_samples =
        std::max(options.sampling.max_samples, options.sampling.min_samples);
  }
  if (raw.quick_run) options.sampling.max_samples = 3;
  options.variants =
      raw.variants == "all" ? std::vector<std::string>{} : CLI::detail::split(raw.variants, ',');
  options.repeat_command = repeat_command(arguments, raw, options);
}

/// `run` is the default: it is put in front of arguments that name no command.
std::vector<std::string> with_command(std::vector<std::string> arguments) {
  const std::vector<std::string> commands = {"run", "list", "show", "plot"};
  if (arguments.empty()) return {"run"};
  const std::string& first = arguments.front();
  const bool is_global = first == "--help" || first == "-h" || first == "--version";
  if (first.rfind('-', 0) == 0) {
    if (!is_global) arguments.insert(arguments.begin(), "run");
    return arguments;
  }
  if (std::find(commands.begin(), commands.end(), first) != commands.end()) return arguments;
  throw Error(ErrorKind::usage, config::unknown_name("command", first, commands), "",
              "known: " + config::listed(commands));
}

}  // namespace

std::int64_t parse_bytes(const std::string& text) {
  static const std::map<std::string, double> kUnits = {{"", 1},
                                                       {"B", 1},
                                                       {"KB", 1e3},
                                                       {"MB", 1e6},
                                                       {"GB", 1e9},
                                                       {"TB", 1e12},
                                                       {"KiB", 1024.0},
                                                       {"MiB", 1048576.0},
                                                       {"GiB", 1073741824.0},
                                                       {"TiB", 1099511627776.0}};
  std::size_t used = 0;
  double number = -1;
  try {
    number = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  std::string unit = text.substr(used);
  unit.erase(0, unit.find_first_not_of(' ') == std::string::npos ? unit.size()
                                                                 : unit.find_first_not_of(' '));
  const auto factor = kUnits.find(unit);
  if (used == 0 || !(number >= 0) || number > 9e18 || factor == kUnits.end() ||
      number * factor->second > 9e18) {
    throw Error(ErrorKind::usage, "'" + text + "' is not a size", "",
                "write it as 8GiB, 500MB or 1024");
  }
  return static_cast<std::int64_t>(number * factor->second);
}

BenchOptions parse_bench_options(const std::vector<std::string>& given) {
  const std::vector<std::string> arguments = with_command(given);
  BenchOptions options;
  options.sampling.time_cap_s = 60;
  RawFlags raw;
  CLI::App app(
      "Compares Mixture-of-Experts implementations: latency, tokens/s, expert load, memory.\n"
      "With no arguments: the small configuration, all variants, forward and backward.",
      "bench_moe_variants");
  app.set_version_flag("--version", kVersionText);
  app.require_subcommand(1);
  CLI::App* run = app.add_subcommand("run", "measure (the default)");
  add_run_flags(*run, raw, options);
  CLI::App* list =
      app.add_subcommand("list", "what there is: configs, variants, devices, routings");
  list->add_option("topic", options.topic, "one of them; all when left out");
  CLI::App* show = app.add_subcommand("show", "a configuration (NAME or FILE), or a saved run");
  show->add_option("name", options.topic, "preset, FILE.toml, config.json, run id, or last")
      ->required();
  CLI::App* plot = app.add_subcommand("plot", "draw the pictures of a saved run again");
  plot->add_option("run", options.topic, "run id, its folder, or last")->required();
  for (CLI::App* each : {show, plot}) {
    each->add_option("--out", options.out, "folder of results")->capture_default_str();
  }

  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& success) {
    const bool whole = arguments.front() == "--help" || arguments.front() == "-h";
    if (whole) {
      std::cout << app.help("", CLI::AppFormatMode::All);
    } else {
      app.exit(success);
    }
    options.command = Command::exit;
    return options;
  } catch (const CLI::ParseError& error) {
    const CLI::App* used = app.get_subcommands().empty() ? &app : app.get_subcommands().front();
    rethrow_as_usage(*used, error);
  }
  const std::map<const CLI::App*, Command> commands = {
      {run, Command::run}, {list, Command::list}, {show, Command::show}, {plot, Command::plot}};
  options.command = commands.at(app.get_subcommands().front());
  raw.has_max_samples = run->count("--max-samples") > 0;
  if (options.command == Command::run) finish_run_options(arguments, raw, options);
  return options;
}

}  // namespace moe::programs
