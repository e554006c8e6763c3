// Flags of `run`, as given and as understood.
#pragma once

#include <string>
#include <vector>

#include "bench/options.h"
#include "cli/shape_flags.h"

namespace CLI {
class App;
}

namespace moe::programs {

/// What needs more than a parser: kept as given until finish_run_options().
struct RawFlags {
  ShapeFlags shape;
  std::vector<std::string> filters;
  std::string mode = "forward_backward", check = "quick", variants = "all", dump_limit = "8GiB";
  bool quick_run = false, no_plots = false, has_max_samples = false;
};

/// A check for CLI11, which would wrap "-1" round to 2^64 - 1: what is wrong; empty = nothing.
std::string is_natural_number(const std::string& text);

/// Adds every flag of `run` to `app`; parsing fills `raw` and `options`.
void add_run_flags(CLI::App& app, RawFlags& raw, BenchOptions& options);

/// Turns `raw` into options after parsing. `arguments` are those of the command line, "run" first.
/// Throws Error{usage}.
void finish_run_options(const std::vector<std::string>& arguments, const RawFlags& raw,
                        BenchOptions& options);

}  // namespace moe::programs
