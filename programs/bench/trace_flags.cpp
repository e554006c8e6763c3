// CLI11 definitions of the flags of `record` and `convert`.
#include "bench/trace_flags.h"

#include <CLI/CLI.hpp>

#include "cli/shape_fields.h"
#include "cli/sweep.h"
#include "moe/error.h"
#include "routing/trace.h"

namespace moe::programs {
namespace {

void add_output(CLI::App& app, BenchOptions& options) {
  app.add_option("--output,-o", options.trace.file, "trace to write")
      ->type_name("FILE")
      ->required()
      ->group("Trace");
}

}  // namespace

void add_record_flags(CLI::App& app, RawFlags& raw, BenchOptions& options) {
  add_shape_flags(app, raw.shape);
  const char* what = "What is recorded";
  add_shape_flag(app, raw.shape, *find_shape_field("routing"), what);
  app.add_option("--layers", options.trace.layers, "layers; layer l has the seed --seed + l")
      ->check(CLI::Range(std::int64_t{1}, routing::kMostTraceLayers))
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
  add_output(app, options);
  app.add_flag("--logits", options.trace.with_logits,
               "keep them: E floats a token, for rounding rules that add pairs")
      ->group("Trace");
  app.add_flag("--quiet,-q", options.quiet, "no progress on stderr")->group("Trace");
}

void add_convert_flags(CLI::App& app, BenchOptions& options) {
  measure::TraceArrays& arrays = options.trace.arrays;
  app.add_option("--ids", arrays.ids, ".npy of integers [T, K] or [L, T, K]: experts of each token")
      ->type_name("FILE")
      ->required();
  app.add_option("--scores", arrays.scores, ".npy of floats, shaped as the ids")->type_name("FILE");
  app.add_option("--logits", arrays.logits, ".npy of floats [T, E] or [L, T, E]")
      ->type_name("FILE");
  app.add_option("--num-experts", options.trace.num_experts,
                 "routed experts [E]; known where there are logits")
      ->check(CLI::Range(std::int64_t{1}, routing::kMostTraceExperts));
  add_output(app, options);
}

void finish_record_options(const RawFlags& raw, BenchOptions& options) {
  options.sweep = sweep_of(raw.shape, {});
  if (options.sweep.fields.empty()) return;
  throw Error(ErrorKind::usage, "record: several values of " + options.sweep.fields.front(),
              "a trace has one shape", "record one trace for each");
}

}  // namespace moe::programs
