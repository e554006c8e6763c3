// What a run is about, in its record; and one rank's share in the place of a layer.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "measure/run/runner.h"
#include "model/layer/layer_cost.h"

namespace moe::measure {
namespace {

/// A trace goes by its name and its contents, wherever it lies.
std::string traffic_text(const BenchRequest& request) {
  if (!request.trace) return routing::to_string(request.traffic);
  routing::Traffic traffic = request.traffic;
  traffic.trace_file = std::filesystem::path(traffic.trace_file).filename().string();
  return routing::to_string(traffic) + " " + request.trace->hash;
}

}  // namespace

void measure_one_rank(const std::string& ep_rank, BenchRequest& request) {
  std::int64_t rank = 1, ranks = 1;
  parse_ep_rank(ep_rank, rank, ranks);
  ModelConfig& model = request.model;
  auto share = std::make_shared<EpShare>(
      ep_share(model.layer, model.tokens(), request.traffic, request.seed, rank, ranks));
  model.layer = share->layer;
  model.batch_size = 1;
  model.seq_len = share->tokens;
  request.ep_share = std::move(share);
}

void describe_run(const BenchRequest& request, record::Run& run) {
  const ModelConfig& model = request.model;
  const model::LayerFlops flops = model::layer_flops(model.layer, model.tokens(), request.pairs());
  run.model = model;
  if (request.ep_share) run.ep_rank = request.ep_share->about;
  run.mode = request.backward ? "forward_backward" : "forward";
  run.traffic = traffic_text(request);
  run.seed = request.seed;
  run.baseline = request.baseline;
  run.flops_per_pass = flops.forward + (request.backward ? flops.backward : 0);
  run.noise_target = request.sampling.noise_target;
  run.min_samples = request.sampling.min_samples;
}

}  // namespace moe::measure
