// What a comparison needs: plans and sums, no allocation.
#include <algorithm>
#include <cstdio>
#include <string>

#include "measure/given_routing.h"
#include "measure/memory_need.h"
#include "measure/runner.h"
#include "model/layer_cost.h"

namespace moe::measure {
namespace {

constexpr double kUsableShare = 0.97;  // of free memory: the process itself needs some

std::string memory_text(std::int64_t bytes) {
  const bool many = bytes >= std::int64_t{1} << 30;
  char text[32];
  std::snprintf(text, sizeof text, many ? "%.1f GiB" : "%.1f MiB",
                static_cast<double>(bytes) / (many ? 0x1p30 : 0x1p20));
  return text;
}

std::optional<std::string> refused_by_trace(const BenchRequest& request,
                                            const LayerConfig& config) {
  if (!request.trace) return {};
  return routing::replay_refusal(config, request.trace->layer);
}

/// Rows as recorded, and after rounding.
std::int64_t given_bytes(const BenchRequest& request) {
  if (!request.trace) return 0;
  LayerConfig unrounded = request.model.layer;
  unrounded.rounding.rule = RoundingRule::none;
  return GivenRouting::bytes(unrounded, request.model.tokens()) +
         GivenRouting::bytes(request.model.layer, request.model.tokens());
}

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
  std::int64_t fewest_bytes = 0;  // of what does not fit
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
    if (const auto reason = refused_by_trace(request, config)) {
      line.skip_reason = *reason;
      result.lines.push_back(line);
      continue;
    }
    line.bytes = variant_bytes(choice.variant->plan(variant_request, traits));
    const std::int64_t tensors =
        shared_tensor_bytes(config, tokens, request.backward) + given_bytes(request);
    if (tensors + line.bytes.peak > result.free_bytes) {
      const std::int64_t needed = tensors + line.bytes.peak;
      fewest_bytes = fewest_bytes == 0 ? needed : std::min(fewest_bytes, needed);
      line.skip_reason = "out of memory: needs " + memory_text(needed) + ", " +
                         memory_text(result.free_bytes) + " free";
      line.largest_tokens =
          largest_tokens(choice, layer, request.backward, traits, result.free_bytes);
    } else {
      shared_bytes = std::max(shared_bytes, tensors);
      region_bytes = std::max(region_bytes, line.bytes.peak);
    }
    result.lines.push_back(line);
  }
  result.needed_bytes = region_bytes > 0 ? shared_bytes + region_bytes : fewest_bytes;
  return result;
}

}  // namespace moe::measure
