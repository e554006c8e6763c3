// Seeded tensors, made on the host: in place for the CPU, copied for other devices.
#include "measure/problem.h"

#include <algorithm>
#include <cmath>

#include "core/seeded.h"

namespace moe::measure {
namespace {

constexpr float kTokenDeviation = 0.2f;
constexpr float kWeightDeviation = 0.02f;
constexpr float kBiasDeviation = 0.05f;
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

Weights carve_with(const LayerConfig& config, bool with_bias, Carver& carver) {
  const std::int64_t d = config.hidden_dim, n = config.ffn_dim, E = config.num_experts;
  Weights w;
  w.w_router = carver.take(config.dtype, {E, d});
  w.w_up = carver.take(config.dtype, {E, config.up_dim(), d});
  w.w_down = carver.take(config.dtype, {E, d, n});
  if (with_bias && config.gate.selection_bias) w.b_select = carver.take(DType::f32, {E});
  if (config.shared.ffn_dim > 0) {
    w.w_shared_up = carver.take(config.dtype, {config.shared_up_dim(), d});
    w.w_shared_down = carver.take(config.dtype, {d, config.shared.ffn_dim});
    if (config.shared.gated) w.w_shared_gate = carver.take(config.dtype, {d});
  }
  return w;
}

void fill(TensorView view, std::uint64_t seed, RandomStream stream, float deviation) {
  if (!view.empty()) fill_normal(view, seed, stream, deviation);
}

}  // namespace

Weights Problem::carve_weights(const LayerConfig& config, std::byte* memory, bool with_bias) {
  Carver carver{memory};
  return carve_with(config, with_bias, carver);
}

std::size_t Problem::carved_bytes(const LayerConfig& config, bool with_bias) {
  Carver carver{nullptr};
  carve_with(config, with_bias, carver);
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
                 const routing::Traffic& traffic, std::uint64_t seed) {
  const std::vector<float> offsets = routing::logit_offsets(config, traffic, tokens, seed);
  std::size_t bytes = 0;
  carve(config, tokens, !offsets.empty(), nullptr, &bytes);
  memory_ = DeviceBuffer(device, bytes);
  device_ = carve(config, tokens, !offsets.empty(), memory_.data(), nullptr);
  const bool is_host = device.id().kind == DeviceKind::cpu;
  if (!is_host) host_memory_.reset(new std::byte[bytes]);
  std::byte* host_memory = is_host ? memory_.data() : host_memory_.get();
  host_ = carve(config, tokens, !offsets.empty(), host_memory, nullptr);

  const Weights& w = host_.weights;
  const float router_deviation = 1.0f / std::sqrt(3.0f * static_cast<float>(config.hidden_dim));
  fill(w.w_router, seed, RandomStream::w_router, router_deviation);
  fill(w.w_up, seed, RandomStream::w_up, kWeightDeviation);
  fill(w.w_down, seed, RandomStream::w_down, kWeightDeviation);
  fill(w.b_select, seed, RandomStream::b_select, kBiasDeviation);
  fill(w.w_shared_up, seed, RandomStream::w_shared_up, kWeightDeviation);
  fill(w.w_shared_down, seed, RandomStream::w_shared_down, kWeightDeviation);
  fill(w.w_shared_gate, seed, RandomStream::w_shared_gate, router_deviation);
  fill(host_.x, seed, RandomStream::x, kTokenDeviation);
  fill(host_.d_out, seed, RandomStream::d_out, kTokenDeviation);
  if (!offsets.empty()) {
    std::copy(offsets.begin(), offsets.end(), host_.logit_offsets.as<float>());
  }
  if (!is_host) device.copy_from_host(memory_.data(), host_memory, bytes);
}

}  // namespace moe::measure
