// The symbols of the papers as numbers, so that plans read like them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "moe/variant.h"

namespace moe::plan {

struct Sizes {
  std::int64_t T, d, n, u, E, K;
  std::int64_t R;  // rows that buffers hold
  std::int64_t B;  // rows of a gather block, 0 where kernels gather by themselves
  double rows;     // rows that the work estimate counts: T*K, or fewer if the request says so
  double b;        // bytes per element
  int bias;        // columns that biases add to the weights: 1 or 0
  DType dtype;

  Sizes(const Request& request, const DeviceTraits& traits)
      : T(request.max_tokens),
        d(request.config.hidden_dim),
        n(request.config.ffn_dim),
        u(request.config.up_dim()),
        E(request.config.num_experts),
        K(request.config.top_k),
        R(request.max_rows),
        B(std::min(traits.gather_block_rows, std::max(R, T))),
        rows(static_cast<double>(std::min(R, T * K))),
        b(static_cast<double>(size_of(request.config.dtype))),
        bias(request.config.expert_bias ? 1 : 0),
        dtype(request.config.dtype) {}

  double up_flops() const { return 2.0 * rows * d * u; }
  double down_flops() const { return 2.0 * rows * n * d; }
  double token_bytes() const { return b * T * d; }  // X, out, d_out, d_x
  double row_bytes(double width) const { return b * rows * width; }
  double w_up_bytes() const { return b * E * u * (d + bias); }
  double w_down_bytes() const { return b * E * d * (n + bias); }
};

}  // namespace moe::plan
