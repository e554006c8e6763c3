// What a comparison needs: plans and sums, no allocation.
#include <algorithm>
#include <cstdio>
#include <string>

#include "measure/problem/given_routing.h"
#include "measure/problem/memory_need.h"
#include "measure/run/dense_bound.h"
#include "measure/run/runner.h"
#include "measure/run/turn.h"
#include "model/layer/layer_cost.h"

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
  if (request.ep_share) return GivenRouting::bytes(request.ep_share->rows);
  if (!request.trace) return 0;
  LayerConfig unrounded = request.model.layer;
  unrounded.rounding.rule = RoundingRule::none;
  return GivenRouting::bytes(unrounded, request.model.tokens()) +
         GivenRouting::bytes(request.model.layer, request.model.tokens());
}

/// "weights 39.2 GiB, gradients 39.2 GiB, saved 7.1 GiB, ...": what does not fit.
std::string parts_text(const record::Bytes& bytes, std::int64_t tensors) {
  const std::int64_t by_token = tensors - bytes.weights - bytes.gradients;
  std::string text = "weights " + memory_text(bytes.weights);
  if (bytes.gradients > 0) text += ", gradients " + memory_text(bytes.gradients);
  if (bytes.saved > 0) text += ", saved " + memory_text(bytes.saved);
  return text + ", workspace " + memory_text(bytes.workspace) + ", inputs and outputs " +
         memory_text(by_token);
}

/// Empty when the device can run the row.
std::string unsupported_reason(const VariantChoice& choice, const LayerConfig& config,
                               const Device& device, const BenchRequest& request) {
  if (choice.is_dense_bound()) {
    return device.has_batched_products()
               ? ""
               : "it needs a GPU; % ceiling is the reference of this device";
  }
  if (choice.rounded && request.ep_share) return "a rank's rows are given, and not rounded";
  const Request wanted = make_request(config, request.model.tokens(), request.backward);
  return choice.variant->unsupported(wanted, device.traits()).value_or("");
}

}  // namespace

BenchEstimate estimate(Device& device, const BenchRequest& request) {
  const LayerConfig& layer = request.model.layer;
  const std::int64_t tokens = request.model.tokens();
  const DeviceTraits& traits = device.traits();
  BenchEstimate result;
  result.free_bytes =
      static_cast<std::int64_t>(kUsableShare * static_cast<double>(device.free_bytes()));
  const model::LayerFlops flops = model::layer_flops(layer, tokens, request.pairs());
  result.flops_per_pass = flops.forward + (request.backward ? flops.backward : 0);

  std::int64_t shared_bytes = 0, region_bytes = 0;
  std::int64_t fewest_bytes = 0;  // of what does not fit
  for (const std::string& label : request.variants) {
    const VariantChoice choice = parse_variant(traits.kind, label);
    const LayerConfig config = choice.config(layer);
    BenchEstimate::Line line{.variant = label};
    line.is_framework = choice.is_framework();
    const std::size_t settles =
        choice.is_dense_bound()
            ? dense_products(config, tokens, request.pairs(), request.backward).size()
            : 1;
    const TurnPace pace = turn_pace(device);
    line.settling_s = pace.settle_s * static_cast<double>(settles) / pace.samples;
    line.skip_reason = unsupported_reason(choice, config, device, request);
    if (!line.skip_reason.empty()) {
      result.lines.push_back(line);
      continue;
    }
    if (const auto reason = refused_by_trace(request, config)) {
      line.skip_reason = *reason;
      result.lines.push_back(line);
      continue;
    }
    line.bytes =
        choice_bytes(choice, config, tokens, request.backward, traits, request.given_rows());
    const std::int64_t tensors =
        shared_tensor_bytes(config, tokens, request.backward) + given_bytes(request);
    if (tensors + line.bytes.peak > result.free_bytes) {
      const std::int64_t needed = tensors + line.bytes.peak;
      fewest_bytes = fewest_bytes == 0 ? needed : std::min(fewest_bytes, needed);
      line.skip_reason = "out of memory: needs " + memory_text(needed) + " (" +
                         parts_text(line.bytes, tensors) + "), " + memory_text(result.free_bytes) +
                         " free";
      if (!request.ep_share && !line.is_framework) {
        line.largest_tokens =
            largest_tokens(choice, layer, request.backward, traits, result.free_bytes);
      }
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
