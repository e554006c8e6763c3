// What a comparison needs: plans and sums, no allocation.
#include <algorithm>

#include "measure/memory_need.h"
#include "measure/runner.h"
#include "model/layer_cost.h"

namespace moe::measure {
namespace {

constexpr double kUsableShare = 0.97;  // of free memory: the process itself needs some

}  // namespace

BenchEstimate estimate(Device& device, const BenchRequest& request) {
  const LayerConfig& layer = request.model.layer;
  const std::int64_t tokens = request.model.tokens();
  const DeviceTraits& traits = device.traits();
  BenchEstimate result;
  result.free_bytes =
      static_cast<std::int64_t>(kUsableShare * static_cast<double>(device.free_bytes()));
  const model::LayerFlops flops = model::layer_flops(layer, tokens, tokens * layer.top_k);
  result.flops_per_pass = flops.forward + (request.backward ? flops.backward : 0);

  std::int64_t shared_bytes = 0, region_bytes = 0;
  for (const std::string& label : request.variants) {
    const VariantChoice choice = parse_variant(traits.kind, label);
    const LayerConfig config = choice.config(layer);
    const Request variant_request = make_request(config, tokens, request.backward);
    BenchEstimate::Line line{.variant = label};
    if (const auto reason = choice.variant->unsupported(variant_request, traits)) {
      line.skip_reason = *reason;
      result.lines.push_back(line);
      continue;
    }
    line.bytes = variant_bytes(choice.variant->plan(variant_request, traits));
    const std::int64_t tensors = shared_tensor_bytes(config, tokens, request.backward);
    if (tensors + line.bytes.peak > result.free_bytes) {
      line.skip_reason = "out of memory";
      line.largest_tokens =
          largest_tokens(choice, layer, request.backward, traits, result.free_bytes);
    } else {
      shared_bytes = std::max(shared_bytes, tensors);
      region_bytes = std::max(region_bytes, line.bytes.peak);
    }
    result.lines.push_back(line);
  }
  result.needed_bytes = shared_bytes + region_bytes;
  return result;
}

}  // namespace moe::measure
