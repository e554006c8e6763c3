// The command line of memory_analysis, parsed and checked. CLI11 stays inside the .cpp files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/shell_pages.h"
#include "cli/usual_flags.h"
#include "model/layer/strategy.h"
#include "moe/config.h"

namespace moe::programs {

enum class MemoryCommand {
  run,
  list,
  show,
  plot,
  published,
  completion,
  man,
  exit  // help or version was printed
};

struct MemoryOptions {
  MemoryCommand command = MemoryCommand::run;
  std::string topic;  // list: gpus | strategies; show, plot: a run; completion: the shell

  ModelConfig model;           // with every override applied, valid
  bool dtype_is_open = false;  // neither a configuration nor a type was given
  std::string device = "auto";
  std::string gpu;                             // a preset to predict for, whatever is here
  std::optional<std::int64_t> capacity_bytes;  // in the place of the target's
  int threads = 0;                             // 0 = all
  std::vector<std::string> variants;           // empty = all
  std::string baseline = "vanilla";
  bool training = true;
  model::Optimizer optimizer = model::Optimizer::adamw;
  std::vector<model::Strategy> strategies;
  std::string routing = "natural";
  std::uint64_t seed = 42;
  bool predict_only = false;
  bool profile = false;
  double max_time_s = 60;

  bool steps = false;  // print every step of the plans
  OutputOptions output;
  std::string repeat_command;
};

/// Throws Error{usage} with the nearest known flag for an unknown one.
MemoryOptions parse_memory_options(const std::vector<std::string>& arguments);

/// The same command line for shells and for man.
ShellPages memory_pages();

}  // namespace moe::programs
