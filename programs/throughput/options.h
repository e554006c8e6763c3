// The command line of throughput, parsed and checked. CLI11 stays inside the .cpp files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/shell_pages.h"
#include "cli/usual_flags.h"
#include "model/step/estimate.h"

namespace moe::programs {

enum class ThroughputCommand {
  run,
  validate,
  check_table,
  factors,
  completion,
  man,
  exit  // help or version was printed
};

struct ThroughputOptions {
  ThroughputCommand command = ThroughputCommand::run;
  model::EstimateRequest request;                // `measured` is still empty
  std::string from;                              // a saved run of bench_moe_variants; empty = none
  bool config_given = false, gpu_given = false;  // else they come from the measured run
  bool measure = false;                          // run it now
  std::string device = "auto";                   // for measure
  ModelConfig measured_model;                    // for measure: as given; what is modelled is bf16
  std::filesystem::path file;                    // validate, check-table; empty = the shipped one
  std::string shell;                             // completion
  OutputOptions output;
  std::string repeat_command;
};

/// Throws Error{usage} with the nearest known flag for an unknown one.
ThroughputOptions parse_throughput_options(const std::vector<std::string>& arguments);

/// The same command line for shells and for man.
ShellPages throughput_pages();

}  // namespace moe::programs
