// The command line of bench_moe_variants, parsed and checked. CLI11 stays inside the .cpp files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bench/compare_flags.h"
#include "cli/screen_flags.h"
#include "cli/sweep.h"
#include "measure/runner.h"
#include "moe/device.h"

namespace CLI {
class App;
}

namespace moe::programs {

/// `exit`: help or version was printed.
enum class Command { run, list, show, plot, compare, completion, man, exit };

/// The command line of bench_moe_variants.
struct BenchOptions {
  Command command = Command::run;
  std::string topic;  // of list; the name for show and plot; the shell for completion
  CompareFlags compare;
  ScreenOptions screen;

  Sweep sweep;                 // of run: the shapes, each with every override applied, valid
  std::string resume;          // run to go on with; empty = a new one
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

struct RawFlags;  // bench/run_flags.h

/// Defines the whole command line in `app`; parsing it fills `raw` and `options`.
void define_bench(CLI::App& app, RawFlags& raw, BenchOptions& options);

/// Throws Error{usage} with the nearest known flag for an unknown one.
BenchOptions parse_bench_options(const std::vector<std::string>& arguments);

}  // namespace moe::programs
