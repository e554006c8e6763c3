// CLI11 definitions of the flags of `run`, and the few rules that a parser cannot know.
#include "memory/run_flags.h"

#include <CLI/CLI.hpp>

#include "cli/byte_size.h"
#include "cli/choice.h"
#include "model/cluster/gpu_presets.h"
#include "moe/error.h"

namespace moe::programs {
namespace {

void add_question_flags(CLI::App& app, MemoryFlags& flags, MemoryOptions& options) {
  const char* what = "What is asked";
  add_variants_flag(app, options.variants, what);
  app.add_option("--baseline", options.baseline, "row that the summary compares with")
      ->type_name("VARIANTS")
      ->capture_default_str()
      ->group(what);
  app.add_option("--mode", flags.mode, "forward | forward_backward")
      ->capture_default_str()
      ->group(what);
  app.add_option("--optimizer", flags.optimizer,
                 "states that are counted: adamw | adamw_bf16 | sgd | none")
      ->capture_default_str()
      ->group(what);
  app.add_option("--strategy", flags.strategies,
                 "what would it save? repeatable; all, or a name of `list strategies`")
      ->type_name("STRATEGY")
      ->group(what);
  add_steps_flag(app, options);
}

void add_target_flags(CLI::App& app, MemoryFlags& flags, MemoryOptions& options) {
  const char* where = "On which device";
  add_device_flag(app, options.device, "auto | cpu | cuda[:i]", where);
  add_gpu_flag(app, options.gpu, "predict for this one, whatever is here", where);
  app.add_option("--capacity", flags.capacity, "memory to fit into, as 80GiB")
      ->type_name("SIZE")
      ->group(where);
  add_threads_flag(app, options.threads, where);
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
  add_seed_flag(app, options.seed, how);
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

void refuse_contradictions(const MemoryFlags& flags, const MemoryOptions& options) {
  if (!options.strategies.empty() && !options.training) {
    throw Error(ErrorKind::usage, "--strategy with --mode forward",
                "strategies are about what backward needs", "leave one of them out");
  }
  if (options.capacity_bytes && *options.capacity_bytes == 0) {
    throw Error(ErrorKind::usage, "--capacity " + flags.capacity, "nothing fits into no memory",
                "write it as 80GiB or 80GB");
  }
  if (!options.gpu.empty() && options.profile) {
    throw Error(ErrorKind::usage, "--profile runs a pass, --gpu predicts one", "",
                "choose the device with --device");
  }
  if (options.predict_only && options.profile) {
    throw Error(ErrorKind::usage, "--profile runs a pass, --predict-only forbids it", "",
                "leave one of them out");
  }
}

}  // namespace

void add_steps_flag(CLI::App& app, MemoryOptions& options) {
  app.add_flag("--steps", options.steps,
               "every step's FLOP and bytes of device memory, and how ncu checks them")
      ->group("What is asked");
}

void add_memory_flags(CLI::App& app, MemoryFlags& flags, MemoryOptions& options) {
  add_shape_flags(app, flags.shape);
  add_question_flags(app, flags, options);
  add_target_flags(app, flags, options);
  add_measuring_flags(app, options);
  add_output_flags(app, options.output);
}

void finish_memory_options(const MemoryFlags& flags, MemoryOptions& options) {
  using model::Optimizer;
  options.model = resolve_model(flags.shape);
  options.training =
      parse_choice<bool>("--mode", flags.mode, {{"forward", false}, {"forward_backward", true}});
  options.optimizer = parse_choice<Optimizer>("--optimizer", flags.optimizer,
                                              {{"none", Optimizer::none},
                                               {"adamw", Optimizer::adamw},
                                               {"adamw_bf16", Optimizer::adamw_bf16},
                                               {"sgd", Optimizer::sgd}});
  options.strategies = parse_strategies(flags.strategies);
  if (!flags.capacity.empty()) options.capacity_bytes = parse_bytes(flags.capacity);
  if (!options.gpu.empty()) model::gpu_preset(options.gpu);  // or refuses
  refuse_contradictions(flags, options);
}

}  // namespace moe::programs
