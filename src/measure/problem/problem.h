// Everything that a layer reads: seeded weights, input, upstream gradient and synthetic traffic.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "measure/problem/device_buffer.h"
#include "measure/verify/expert_image.h"
#include "moe/config.h"
#include "moe/layer.h"
#include "moe/routing.h"
#include "routing/traffic.h"
#include "truth/problem.h"

namespace moe::measure {

/// Of the bias by which sigmoid gates choose: a few per cent of what tokens' sigmoids differ by, so
/// that a random router's experts stay nearly uniform.
inline constexpr float kSelectionBiasDeviation = 0.001f;

/// Deviations follow the benchmarks of arXiv 2512.14080: x and d_out 0.2, weights 0.02. The
/// router's is 1/sqrt(3 d), that of a default linear layer, so that natural traffic is near
/// uniform.
class Problem {
 public:
  Problem(Device& device, const LayerConfig& config, std::int64_t tokens,
          const routing::Traffic& traffic, std::uint64_t seed);

  const Weights& weights() const { return device_.weights; }
  TensorView x() const { return device_.x; }
  TensorView d_out() const { return device_.d_out; }
  TensorView logit_offsets() const { return device_.logit_offsets; }
  std::uint64_t rounding_seed() const { return seed_; }

  /// The same tensors in host memory, as the truth reads them. Of a device with memory of its own,
  /// weights of routed experts are made there when the truth acquires them.
  truth::Problem host(const LayerConfig& config) const {
    return {config, host_.weights, host_.x, host_.d_out, host_.logit_offsets, image_.get(), seed_};
  }

  /// Tensors of the shapes of `config`'s weights, in the layer's type, at consecutive places of one
  /// buffer.
  static Weights carve_weights(const LayerConfig& config, std::byte* memory,
                               bool with_selection_bias);
  static std::size_t carved_bytes(const LayerConfig& config, bool with_selection_bias);

 private:
  struct Tensors {
    Weights weights;
    TensorView x, d_out, logit_offsets;
  };
  static Tensors carve(const LayerConfig& config, std::int64_t tokens, bool with_offsets,
                       std::byte* memory, std::size_t* bytes);

  void fill_on_device(Device& device, const LayerConfig& config, std::uint64_t seed);
  void fill_on_host(const LayerConfig& config, std::uint64_t seed);

  std::uint64_t seed_;
  DeviceBuffer memory_;
  HostReservation host_memory_;         // where device memory is not the host's; parts are used
  std::unique_ptr<ExpertImage> image_;  // likewise: host_.weights.w_up and w_down
  Tensors device_, host_;
};

}  // namespace moe::measure
