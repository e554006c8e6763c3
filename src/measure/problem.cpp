// Seeded tensors. The CPU's memory is filled in place; other devices will fill their own.
#include "measure/problem.h"

#include <cmath>
#include <cstring>

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

Weights carve(const LayerConfig& config, bool with_bias, Carver& carver) {
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
  return carve(config, with_bias, carver);
}

std::size_t Problem::carved_bytes(const LayerConfig& config, bool with_bias) {
  Carver carver{nullptr};
  carve(config, with_bias, carver);
  return carver.used;
}

Problem::Problem(Device& device, const LayerConfig& config, std::int64_t tokens,
                 const routing::Traffic& traffic, std::uint64_t seed)
    : weight_memory_(device, carved_bytes(config, true)) {
  weights_ = carve_weights(config, weight_memory_.data(), true);
  const std::int64_t d = config.hidden_dim;
  const float router_deviation = 1.0f / std::sqrt(3.0f * static_cast<float>(d));
  fill(weights_.w_router, seed, RandomStream::w_router, router_deviation);
  fill(weights_.w_up, seed, RandomStream::w_up, kWeightDeviation);
  fill(weights_.w_down, seed, RandomStream::w_down, kWeightDeviation);
  fill(weights_.b_select, seed, RandomStream::b_select, kBiasDeviation);
  fill(weights_.w_shared_up, seed, RandomStream::w_shared_up, kWeightDeviation);
  fill(weights_.w_shared_down, seed, RandomStream::w_shared_down, kWeightDeviation);
  fill(weights_.w_shared_gate, seed, RandomStream::w_shared_gate, router_deviation);

  const std::size_t token_bytes = static_cast<std::size_t>(tokens * d) * size_of(config.dtype);
  token_memory_ = DeviceBuffer(device, 2 * token_bytes + kAlignment);
  Carver carver{token_memory_.data()};
  x_ = carver.take(config.dtype, {tokens, d});
  d_out_ = carver.take(config.dtype, {tokens, d});
  fill(x_, seed, RandomStream::x, kTokenDeviation);
  fill(d_out_, seed, RandomStream::d_out, kTokenDeviation);

  const std::vector<float> offsets = routing::logit_offsets(config, traffic, tokens, seed);
  if (offsets.empty()) return;
  offset_memory_ = DeviceBuffer(device, offsets.size() * sizeof(float));
  logit_offsets_ = TensorView(offset_memory_.data(), DType::f32, {tokens, config.num_experts});
  device.copy_from_host(logit_offsets_.data, offsets.data(), offsets.size() * sizeof(float));
}

}  // namespace moe::measure
