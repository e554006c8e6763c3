// Everything that a layer reads: seeded weights, input, upstream gradient and synthetic traffic.
#pragma once

#include <cstdint>
#include <vector>

#include "measure/device_buffer.h"
#include "moe/config.h"
#include "moe/layer.h"
#include "moe/routing.h"
#include "routing/traffic.h"
#include "truth/problem.h"

namespace moe::measure {

/// Deviations follow the benchmarks of arXiv 2512.14080: x and d_out 0.2, weights 0.02. The router's is
/// 1/sqrt(3 d), that of a default linear layer, so that natural traffic is near uniform.
class Problem {
 public:
  Problem(Device& device, const LayerConfig& config, std::int64_t tokens,
          const routing::Traffic& traffic, std::uint64_t seed);

  const Weights& weights() const { return weights_; }
  TensorView x() const { return x_; }
  TensorView d_out() const { return d_out_; }
  TensorView logit_offsets() const { return logit_offsets_; }

  /// The same tensors in host memory, as the truth reads them.
  truth::Problem host(const LayerConfig& config) const {
    return {config, weights_, x_, d_out_, logit_offsets_};
  }

  /// Tensors of the shapes of `config`'s weights, in the layer's type, at consecutive places of one buffer.
  static Weights carve_weights(const LayerConfig& config, std::byte* memory, bool with_bias);
  static std::size_t carved_bytes(const LayerConfig& config, bool with_bias);

 private:
  DeviceBuffer weight_memory_, token_memory_, offset_memory_;
  Weights weights_;
  TensorView x_, d_out_, logit_offsets_;
};

}  // namespace moe::measure
