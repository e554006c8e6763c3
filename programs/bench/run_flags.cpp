// CLI11 definitions of the flags of `run`, and the few rules that a parser cannot know.
#include "bench/run_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/byte_size.h"
#include "cli/choice.h"
#include "cli/command_line.h"
#include "cli/sweep.h"

namespace moe::programs {
namespace {

void add_comparison_flags(CLI::App& app, RawFlags& raw, BenchOptions& options) {
  const char* what = "What is compared";
  app.add_option("--variants", raw.variants, "all, or a list: vanilla,sonic,sonic+rounding")
      ->type_name("VARIANTS")
      ->capture_default_str()
      ->group(what);
  app.add_option("--baseline", options.baseline,
                 "row that speed-up is relative to; the device's first when left out")
      ->type_name("VARIANTS")
      ->group(what);
  app.add_option("--mode", raw.mode, "forward | forward_backward")
      ->capture_default_str()
      ->group(what);
  add_shape_flag(app, raw.shape, *find_shape_field("routing"), what);
  app.add_option("--ep-rank", options.ep_rank,
                 "R/G: rank R's share of the layer among G expert-parallel ranks, without "
                 "communication")
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
                 "seconds for the run, or each point of a sweep; one sample each is always taken")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str()
      ->group(how);
  app.add_flag("--fast", raw.quick_run, "three samples each: an indication, no noise figure")
      ->group(how);
  app.add_option("--resume", options.resume,
                 "go on with an interrupted run (id, folder, last), measuring nothing twice")
      ->type_name("RUN")
      ->group(how);
  app.add_flag("--breakdown", options.breakdown, "every step's time, rates and share of its floor")
      ->group(how);
  app.add_flag("--profile", options.profile,
               "one bounded pass of each row for nsys or ncu, no times")
      ->group(how);
  app.add_flag("--dry-run", options.dry_run, "memory and time estimates, nothing is run")
      ->group(how);
}

void add_output_flags(CLI::App& app, RawFlags& raw, BenchOptions& options) {
  const char* output = "Output";
  app.add_option("--out", options.out, "folder of results")
      ->type_name("DIR")
      ->capture_default_str()
      ->group(output);
  app.add_option("--dump-tensors", options.dump_folder,
                 "write every tensor as .npy below this folder")
      ->type_name("DIR")
      ->group(output);
  app.add_option("--dump-limit", raw.dump_limit, "most that --dump-tensors may write")
      ->capture_default_str()
      ->group(output);
  app.add_flag("--save-samples", options.save_samples, "every sample in samples.csv too")
      ->group(output);
  add_format_flag(app, options.screen);
  add_color_flag(app, options.screen);
  app.add_flag("--no-plots", raw.no_plots, "no pictures")->group(output);
  app.add_flag("--quiet,-q", options.quiet, "no progress on stderr")->group(output);
  app.add_flag("--strict", options.strict, "exit 5 when a variant was skipped")->group(output);
}

std::string repeat_command(const std::vector<std::string>& arguments, const RawFlags& raw,
                           const BenchOptions& o) {
  std::string command = "bench_moe_variants";
  if (!has_flag(arguments, "--config"))
    command += " --config " + quoted_for_shell(raw.shape.given.at("config"));
  for (std::size_t i = 1; i < arguments.size(); ++i) {  // the first is "run"
    command += " " + quoted_for_shell(arguments[i]);
  }
  if (!has_flag(arguments, "--seed")) command += " --seed " + std::to_string(o.seed);
  return command;
}

}  // namespace

std::string is_natural_number(const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return digits ? "" : text + " is not a whole number from 0 upwards";
}

void add_run_flags(CLI::App& app, RawFlags& raw, BenchOptions& options) {
  add_shape_flags(app, raw.shape);
  app.add_option("--filter", raw.filters, "of a sweep only points with tokens>=4096, top_k=2, ...")
      ->type_name("CONDITION")
      ->expected(1)
      ->take_all()
      ->group("Shape");
  add_comparison_flags(app, raw, options);
  add_sampling_flags(app, raw, options);
  add_output_flags(app, raw, options);
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() == 0)
      option->disable_flag_override();  // "--fast=2" is an error
  }
}

void finish_run_options(const std::vector<std::string>& arguments, const RawFlags& raw,
                        BenchOptions& options) {
  options.sweep = sweep_of(raw.shape, raw.filters);
  options.dtype_is_open = !has_flag(arguments, "--config") && !raw.shape.given.contains("dtype");
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

}  // namespace moe::programs
