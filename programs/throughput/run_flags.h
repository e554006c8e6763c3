// Flags of `throughput run`, and what they make of an EstimateRequest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/shape_flags.h"
#include "throughput/options.h"

namespace CLI {
class App;
}

namespace moe::programs {

/// Flags as given.
struct ThroughputFlags {
  ShapeFlags shape;
  std::string phase = "train", gpu = "h100", network, tokens_total = "1T";
  std::vector<std::int64_t> gpus;
  std::vector<std::string> variants, settings;
  std::string baseline;
  double price = 3.50, goodput = 1, pue = 1.2;
  std::optional<double> watts, nvlink_gb, infiniband_gb;
  std::int64_t tensor = 0, pipeline = 0, expert = 0, micro_batch = 0, global_batch = 4096;
  std::optional<int> zero_stage;
  std::string schedule = "1f1b", optimizer = "adamw", recompute = "auto";
  bool fp8 = false, eager = false;
  std::int64_t context = 0, sequences = 0;
  int weight_bits = 16, cache_bits = 16;
};

void add_run_flags(CLI::App& app, ThroughputFlags& flags, ThroughputOptions& options);

/// Throws Error{usage}.
model::EstimateRequest make_request(const ThroughputFlags& flags);

/// "1T", "14.8 T", "16k", "1e12" to a number. Throws Error{usage}.
double parse_amount(const char* flag, const std::string& text);

}  // namespace moe::programs
