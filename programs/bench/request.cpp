// Names against the device's, traffic against the gate.
#include "bench/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/nearest_name.h"
#include "moe/error.h"

namespace moe::programs {
namespace {

/// What is asked for beside the shapes, flag by flag.
std::map<std::string, std::string> described_request(const BenchOptions& options) {
  const measure::SamplerOptions& sampling = options.sampling;
  std::map<std::string, std::string> asked = {
      {"--variants", fmt::format("{}", fmt::join(options.variants, ","))},
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
  if (!options.ep_rank.empty()) asked["--ep-rank"] = options.ep_rank;
  return asked;
}

/// Throws Error{usage} for traffic that the gate of a shape cannot give, and for a trace that does
/// not fit it.
void check_traffic(const Shape& shape, std::uint64_t seed) {
  const routing::Traffic traffic = routing::parse_traffic(shape.traffic);
  if (traffic.kind == routing::TrafficKind::trace) {
    measure::load_trace(traffic, shape.model);
  } else {
    routing::logit_offsets(shape.model.layer, traffic, shape.model.tokens(), seed);
  }
}

/// The same in words; empty = it can.
std::string traffic_problem(const Shape& shape, std::uint64_t seed) {
  try {
    check_traffic(shape, seed);
  } catch (const Error& error) {
    const std::string text = error.what();
    return text.substr(0, text.find('\n'));
  }
  return "";
}

record::Point describe(const ShapePoint& point, const measure::BenchRequest& request) {
  record::Run alone;
  measure::describe_run(request, alone);
  record::Point described;
  described.values = point.values;
  described.model = alone.model;
  described.traffic = alone.traffic;
  described.flops_per_pass = alone.flops_per_pass;
  return described;
}

/// Puts the rows of `all` in the place of that word.
std::vector<std::string> with_all_spelled_out(const std::vector<std::string>& labels,
                                              const std::vector<std::string>& all) {
  std::vector<std::string> result;
  for (const std::string& label : labels) {
    if (label == "all") {
      result.insert(result.end(), all.begin(), all.end());
    } else {
      result.push_back(label);
    }
  }
  return result;
}

}  // namespace

void settle_dtype(BenchOptions& options, DeviceKind kind) {
  if (kind != DeviceKind::cuda || !options.dtype_is_open) return;
  for (ShapePoint& point : options.sweep.points) point.shape.model.layer.dtype = DType::bf16;
  options.repeat_command += " --dtype bf16";
}

void settle_variants(BenchOptions& options, const DeviceTraits& traits) {
  if (options.variants.empty()) options.variants = {"all"};
  const LayerConfig& layer = options.sweep.points.front().shape.model.layer;
  options.variants = with_all_spelled_out(options.variants, measure::default_labels(layer, traits));
  const std::vector<std::string> known = measure::known_labels(traits.kind);
  if (options.baseline.empty()) options.baseline = known.front();
  std::vector<std::string> labels = options.variants;
  labels.push_back(options.baseline);
  for (const std::string& label : labels) {
    if (std::find(known.begin(), known.end(), label) != known.end()) continue;
    if (label == "vanilla_torch" || label == "torch_grouped_mm") {
      throw Error(ErrorKind::usage, label + " is not in this build", "it runs in PyTorch itself",
                  "configure with -DMOE_TORCH=ON where PyTorch is installed (CONTRIBUTING.md)");
    }
    throw Error(ErrorKind::usage, config::unknown_name("variant", label, known), "",
                "known: " + config::listed(known));
  }
}

void settle_traffic(BenchOptions& options) {
  Sweep& sweep = options.sweep;
  if (sweep.fields.empty()) {
    check_traffic(sweep.points.front().shape, options.seed);
    return;
  }
  std::erase_if(sweep.points, [&](const ShapePoint& point) {
    const std::string problem = traffic_problem(point.shape, options.seed);
    if (!problem.empty()) sweep.invalid.push_back({label_of(sweep.fields, point.values), problem});
    return !problem.empty();
  });
  if (sweep.points.empty()) {
    throw Error(ErrorKind::usage, "no point of the sweep is possible",
                sweep.invalid.back().label + ": " + sweep.invalid.back().reason);
  }
}

std::vector<measure::BenchRequest> make_bench_requests(const BenchOptions& options) {
  if (!options.ep_rank.empty() && !options.dump_folder.empty()) {
    throw Error(ErrorKind::usage, "--dump-tensors with --ep-rank",
                "a rank's routing is given, so there is no router to check",
                "leave one of them out");
  }
  std::vector<measure::BenchRequest> requests;
  for (const ShapePoint& point : options.sweep.points) {
    measure::BenchRequest request;
    request.model = point.shape.model;
    request.variants = options.variants;
    request.baseline = options.baseline;
    request.backward = options.backward;
    request.traffic = routing::parse_traffic(point.shape.traffic);
    if (request.traffic.kind == routing::TrafficKind::trace) {
      request.trace = measure::load_trace(request.traffic, request.model);
    }
    request.seed = options.seed;
    request.check = options.check;
    request.sampling = options.sampling;
    request.dump_folder = options.dump_folder;
    request.breakdown = options.breakdown;
    if (!options.ep_rank.empty() && request.trace) {
      throw Error(ErrorKind::usage, "--ep-rank on a trace",
                  "a rank's share is made of synthetic traffic only",
                  "use natural, balanced, zipf:S or hot:N");
    }
    if (!options.ep_rank.empty()) measure::measure_one_rank(options.ep_rank, request);
    requests.push_back(std::move(request));
  }
  return requests;
}

record::Run describe(const BenchOptions& options,
                     const std::vector<measure::BenchRequest>& requests) {
  record::Run run;
  run.program = "bench_moe_variants";
  run.repeat_command = options.repeat_command;
  run.request = described_request(options);
  measure::describe_run(requests.front(), run);
  run.swept = options.sweep.fields;
  if (run.swept.empty()) return run;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    run.points.push_back(describe(options.sweep.points[i], requests[i]));
  }
  for (const InvalidPoint& point : options.sweep.invalid) {
    run.warnings.push_back(point.label + ": skipped, " + point.reason);
  }
  return run;
}

}  // namespace moe::programs
