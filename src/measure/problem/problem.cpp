// Seeded tensors, made on the device that uses them and a second time on the host: the generator
// gives the same bits on both, so nothing large is copied, and a wrong device fill fails its check.
#include "measure/problem/problem.h"

#include <algorithm>
#include <cmath>

#include "core/seeded.h"

namespace moe::measure {
namespace {

constexpr float kTokenDeviation = 0.2f;
constexpr float kWeightDeviation = 0.02f;
// A few per cent of the logits' deviation, as the other bias of the sigmoids': a random router's
// experts stay nearly uniform.
constexpr float kRouterBiasDeviation = 0.004f;
// Small enough not to hide the products beside them from the checks.
constexpr float kUpBiasDeviation = 0.02f, kDownBiasDeviation = 0.001f;
constexpr std::size_t kAlignment = 256;

/// Hands out aligned places of one buffer; with a null buffer it only counts.
struct Carver {
  std::byte* memory;
  std::size_t used = 0;

  TensorView take(DType dtype, std::initializer_list<std::int64_t> shape) {
    TensorView view(memory == nullptr ? nullptr : memory + used, dtype, shape);
    used += (view.bytes() + kAlignment - 1) / kAlignment * kAlignment;
    return view;
  }
};

Weights carve_with(const LayerConfig& config, bool with_selection_bias, Carver& carver) {
  const std::int64_t d = config.hidden_dim, n = config.ffn_dim, E = config.num_experts;
  Weights w;
  w.w_router = carver.take(config.dtype, {E, d});
  if (config.gate.logit_bias) w.b_router = carver.take(config.dtype, {E});
  w.w_up = carver.take(config.dtype, {E, config.up_dim(), d});
  w.w_down = carver.take(config.dtype, {E, d, n});
  if (config.expert_bias) {
    w.b_up = carver.take(config.dtype, {E, config.up_dim()});
    w.b_down = carver.take(config.dtype, {E, d});
  }
  if (with_selection_bias && config.gate.selection_bias) w.b_select = carver.take(DType::f32, {E});
  if (config.shared.ffn_dim > 0) {
    w.w_shared_up = carver.take(config.dtype, {config.shared_up_dim(), d});
    w.w_shared_down = carver.take(config.dtype, {d, config.shared.ffn_dim});
    if (config.shared.gated) w.w_shared_gate = carver.take(config.dtype, {d});
  }
  return w;
}

float router_deviation(const LayerConfig& config) {
  return 1.0f / std::sqrt(3.0f * static_cast<float>(config.hidden_dim));
}

/// Calls fill(view, stream, deviation) for every tensor that is there, the routed experts' apart.
template <class Fill>
void fill_small(const Weights& w, TensorView x, TensorView d_out, float of_router,
                const Fill& fill) {
  const auto if_there = [&](TensorView view, RandomStream stream, float deviation) {
    if (!view.empty()) fill(view, stream, deviation);
  };
  if_there(w.w_router, RandomStream::w_router, of_router);
  if_there(w.b_router, RandomStream::b_router, kRouterBiasDeviation);
  if_there(w.b_up, RandomStream::b_up, kUpBiasDeviation);
  if_there(w.b_down, RandomStream::b_down, kDownBiasDeviation);
  if_there(w.b_select, RandomStream::b_select, kSelectionBiasDeviation);
  if_there(w.w_shared_up, RandomStream::w_shared_up, kWeightDeviation);
  if_there(w.w_shared_down, RandomStream::w_shared_down, kWeightDeviation);
  if_there(w.w_shared_gate, RandomStream::w_shared_gate, of_router);
  if_there(x, RandomStream::x, kTokenDeviation);
  if_there(d_out, RandomStream::d_out, kTokenDeviation);
}

}  // namespace

Weights Problem::carve_weights(const LayerConfig& config, std::byte* memory,
                               bool with_selection_bias) {
  Carver carver{memory};
  return carve_with(config, with_selection_bias, carver);
}

std::size_t Problem::carved_bytes(const LayerConfig& config, bool with_selection_bias) {
  Carver carver{nullptr};
  carve_with(config, with_selection_bias, carver);
  return carver.used;
}

Problem::Tensors Problem::carve(const LayerConfig& config, std::int64_t tokens, bool with_offsets,
                                std::byte* memory, std::size_t* bytes) {
  Carver carver{memory};
  Tensors tensors;
  tensors.weights = carve_with(config, true, carver);
  tensors.x = carver.take(config.dtype, {tokens, config.hidden_dim});
  tensors.d_out = carver.take(config.dtype, {tokens, config.hidden_dim});
  if (with_offsets) tensors.logit_offsets = carver.take(DType::f32, {tokens, config.num_experts});
  if (bytes != nullptr) *bytes = carver.used;
  return tensors;
}

Problem::Problem(Device& device, const LayerConfig& config, std::int64_t tokens,
                 const routing::Traffic& traffic, std::uint64_t seed)
    : seed_(seed) {
  const std::vector<float> offsets = routing::logit_offsets(config, traffic, tokens, seed);
  const bool has_offsets = !offsets.empty();
  std::size_t bytes = 0;
  carve(config, tokens, has_offsets, nullptr, &bytes);
  memory_ = DeviceBuffer(device, bytes);
  device_ = carve(config, tokens, has_offsets, memory_.data(), nullptr);
  fill_on_device(device, config, seed);
  if (has_offsets) {
    device.copy_from_host(device_.logit_offsets.data, offsets.data(),
                          offsets.size() * sizeof(float));
  }
  host_ = device_;
  if (device.memory_is_host()) return;
  host_memory_ = HostReservation(bytes);
  host_ = carve(config, tokens, has_offsets, host_memory_.data(), nullptr);
  fill_on_host(config, seed);
  if (has_offsets) std::copy(offsets.begin(), offsets.end(), host_.logit_offsets.as<float>());
}

void Problem::fill_on_device(Device& device, const LayerConfig& config, std::uint64_t seed) {
  const auto fill = [&](TensorView view, RandomStream stream, float deviation) {
    device.fill_normal(view, seed, static_cast<std::uint32_t>(stream), deviation);
  };
  const Weights& w = device_.weights;
  fill(w.w_up, RandomStream::w_up, kWeightDeviation);
  fill(w.w_down, RandomStream::w_down, kWeightDeviation);
  fill_small(w, device_.x, device_.d_out, router_deviation(config), fill);
}

void Problem::fill_on_host(const LayerConfig& config, std::uint64_t seed) {
  fill_small(host_.weights, host_.x, host_.d_out, router_deviation(config),
             [&](TensorView view, RandomStream stream, float deviation) {
               fill_normal(view, seed, stream, deviation);
             });
  image_ = std::make_unique<ExpertImage>(
      config, [seed](const ExpertImage::Part& up, const ExpertImage::Part& down) {
        fill_normal(up.view, seed, RandomStream::w_up, kWeightDeviation, up.first);
        fill_normal(down.view, seed, RandomStream::w_down, kWeightDeviation, down.first);
      });
  host_.weights.w_up = image_->up();
  host_.weights.w_down = image_->down();
}

}  // namespace moe::measure
