// One MLP in double, an expert's or the shared one, for a handful of tokens at a time.
//
//   h = W_up x + b_up      a = activation(h), gated or not      y = W_down a + b_down
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "truth/problem.h"

namespace moe::truth {

/// The rows of one channel in W_up [u, d] and b_up [u]; equal where there is no gate.
struct ChannelRows {
  std::int64_t gate, up;
};
ChannelRows rows_of_channel(UpLayout layout, std::int64_t up_dim, std::int64_t ffn_dim,
                            std::int64_t channel);

/// Where the weights of one MLP lie.
struct Mlp {
  Activation activation;
  UpLayout layout;                    // of up and up_bias
  std::int64_t hidden_dim;            // [d]
  std::int64_t ffn_dim;               // [n]
  TensorView up, down;                // tensors that hold this MLP's [u, d] and [d, n] ...
  std::int64_t up_first, down_first;  // ... from these elements on
  TensorView up_bias{}, down_bias{};  // those that hold its [u] and [d], or empty ...
  std::int64_t up_bias_first = 0, down_bias_first = 0;  // ... from these elements on

  std::int64_t up_dim() const { return is_gated(activation) ? 2 * ffn_dim : ffn_dim; }
  ChannelRows rows_of(std::int64_t channel) const {
    return rows_of_channel(layout, up_dim(), ffn_dim, channel);
  }
  /// Of row i of W_up; 0 without biases.
  double bias_of_up(std::int64_t i) const;
  double bias_of_down(std::int64_t i) const;
};

Mlp expert_mlp(const Problem& problem, std::int64_t expert);
Mlp shared_mlp(const Problem& problem);

/// Factor of the shared expert's output for one token: 1, or sigmoid(x . w_shared_gate).
double shared_weight(const Problem& problem, std::int64_t token);

/// The activation and its derivatives at one channel.
struct Activated {
  double a;               // the value
  double by_gate, by_up;  // da/dh_gate, da/dh_up; ungated activations have by_up alone
};
Activated activate(Activation activation, double h_gate, double h_up);

/// One token on its way through one MLP, whose output the token takes `weight` times.
struct Pass {
  std::int64_t token = 0;
  double weight = 1;
  std::vector<double> h, a, y;  // [u] as the rows of W_up, [n], [d]
  double d_weight = 0;          // <d_out, y>, with d_out
  std::vector<double> d_x;      // [d]
};

/// Fills h, a, y, and d_weight where the problem has d_out. Weights are read once for all passes.
void run_forward(const Problem& problem, const Mlp& mlp, std::span<Pass> passes);

/// Fills d_x from h and weight.
void run_backward(const Problem& problem, const Mlp& mlp, std::span<Pass> passes);

}  // namespace moe::truth
