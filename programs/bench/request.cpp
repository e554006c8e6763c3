// Names against the device's, traffic against the gate.
#include "bench/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/nearest_name.h"
#include "moe/error.h"

namespace moe::programs {

void settle_variants(BenchOptions& options, DeviceKind kind) {
  if (options.variants.empty()) options.variants = measure::default_labels(kind);
  const std::vector<std::string> known = measure::known_labels(kind);
  if (options.baseline.empty()) options.baseline = known.front();
  std::vector<std::string> labels = options.variants;
  labels.push_back(options.baseline);
  for (const std::string& label : labels) {
    if (std::find(known.begin(), known.end(), label) != known.end()) continue;
    throw Error(ErrorKind::usage, config::unknown_name("variant", label, known), "",
                "known: " + config::listed(known));
  }
}

measure::BenchRequest make_bench_request(const BenchOptions& options) {
  measure::BenchRequest request;
  request.model = options.model;
  request.variants = options.variants;
  request.baseline = options.baseline;
  request.backward = options.backward;
  request.traffic = routing::parse_traffic(options.routing);
  request.seed = options.seed;
  request.check = options.check;
  request.sampling = options.sampling;
  request.dump_folder = options.dump_folder;
  // Traffic that this gate cannot give is refused here, not in the middle of the run.
  routing::logit_offsets(request.model.layer, request.traffic, request.model.tokens(),
                         request.seed);
  return request;
}

std::map<std::string, std::string> described_request(const BenchOptions& options) {
  const measure::SamplerOptions& sampling = options.sampling;
  return {{"--variants", fmt::format("{}", fmt::join(options.variants, ","))},
          {"--baseline", options.baseline},
          {"--mode", options.backward ? "forward_backward" : "forward"},
          {"--seed", std::to_string(options.seed)},
          {"--device", options.device},
          {"--threads", std::to_string(options.threads)},
          {"--check", std::string(name_of(options.check))},
          {"--min-samples", std::to_string(sampling.min_samples)},
          {"--max-samples", std::to_string(sampling.max_samples)},
          {"--max-noise", fmt::format("{}", sampling.noise_target)},
          {"--max-time", fmt::format("{}", sampling.time_cap_s)}};
}

}  // namespace moe::programs
