// The command line of bench_moe_variants, parsed and checked. CLI11 stays inside the .cpp files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bench/compare_flags.h"
#include "cli/screen_flags.h"
#include "cli/shell_pages.h"
#include "cli/sweep.h"
#include "measure/run/runner.h"
#include "measure/trace/trace_arrays.h"
#include "moe/device.h"

namespace moe::programs {

enum class Command {
  run,
  list,
  show,
  plot,
  compare,
  record,
  convert,
  completion,
  man,
  exit  // help or version was printed
};

/// What `record` and `convert` take beside a shape.
struct TraceOptions {
  std::filesystem::path file;  // to write
  std::int64_t layers = 1;
  bool with_logits = false;
  measure::TraceArrays arrays;   // to convert
  std::int64_t num_experts = 0;  // of the arrays; 0 = as their logits tell
};

/// The command line of bench_moe_variants.
struct BenchOptions {
  Command command = Command::run;
  /// Of list: configs | variants | devices | routings; of show and plot: a name or a trace; of
  /// completion: the shell.
  std::string topic;
  CompareFlags compare;
  ScreenOptions screen;

  TraceOptions trace;
  bool dtype_is_open = false;  // neither a configuration nor a type was given
  Sweep sweep;         // of run and record: the shapes, each with every override applied, valid
  std::string resume;  // run to go on with; empty = a new one
  bool has_run_flags = false;  // flags that say what is measured were given
  std::string device = "auto";
  int threads = 0;                    // 0 = all
  std::vector<std::string> variants;  // empty = all
  std::string baseline;               // empty = the first variant of the device: vanilla
  bool backward = true;
  std::uint64_t seed = 42;
  measure::CheckLevel check = measure::CheckLevel::quick;
  measure::SamplerOptions sampling;

  std::filesystem::path out = "results";
  std::filesystem::path dump_folder;
  std::int64_t dump_limit_bytes = 0;
  bool dry_run = false;
  std::string ep_rank;  // "1/8"; empty = the whole layer
  bool breakdown = false;
  bool profile = false;
  bool plots = true;
  bool save_samples = false;
  bool quiet = false;
  bool strict = false;
  std::string repeat_command;
};

/// Throws Error{usage} with the nearest known flag for an unknown one.
BenchOptions parse_bench_options(const std::vector<std::string>& arguments);

/// What `completion` and `man` tell.
ShellPages bench_pages();

}  // namespace moe::programs
