// One MLP, forward and backward.
#include "truth/mlp.h"

#include <cmath>

#include "truth/element.h"

namespace moe::truth {
namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

}  // namespace

Mlp expert_mlp(const Problem& problem, std::int64_t expert) {
  const LayerConfig& c = problem.config;
  return {c.activation,
          c.hidden_dim,
          c.ffn_dim,
          problem.weights.w_up,
          problem.weights.w_down,
          expert * c.up_dim() * c.hidden_dim,
          expert * c.hidden_dim * c.ffn_dim};
}

Mlp shared_mlp(const Problem& problem) {
  const LayerConfig& c = problem.config;
  return {c.activation,
          c.hidden_dim,
          c.shared.ffn_dim,
          problem.weights.w_shared_up,
          problem.weights.w_shared_down,
          0,
          0};
}

double shared_weight(const Problem& problem, std::int64_t token) {
  if (!problem.config.shared.gated) return 1;
  const std::int64_t d = problem.config.hidden_dim;
  const std::vector<double> x = read(problem.x, token * d, 1, d);
  const std::vector<double> gate = read(problem.weights.w_shared_gate, 0, 1, d);
  return sigmoid(dot(x.data(), gate.data(), d));
}

Activated activate(Activation activation, double h_gate, double h_up) {
  if (activation == Activation::relu2) {
    const double positive = h_up > 0 ? h_up : 0;
    return {positive * positive, 0, 2 * positive};
  }
  const double s = sigmoid(h_gate);
  return {h_gate * s * h_up, (s + h_gate * s * (1 - s)) * h_up, h_gate * s};
}

void run_forward(const Problem& problem, const Mlp& mlp, std::span<Pass> passes) {
  const std::int64_t d = mlp.hidden_dim, n = mlp.ffn_dim, u = mlp.up_dim();
  std::vector<std::vector<double>> x;
  for (Pass& pass : passes) {
    x.push_back(read(problem.x, pass.token * d, 1, d));
    pass.h.assign(u, 0);
    pass.a.assign(n, 0);
    pass.y.assign(d, 0);
  }
  std::vector<double> weights(std::max(d, n));
  for (std::int64_t i = 0; i < u; ++i) {
    read(mlp.up, mlp.up_first + i * d, 1, d, weights.data());
    for (std::size_t p = 0; p < passes.size(); ++p)
      passes[p].h[i] = dot(weights.data(), x[p].data(), d);
  }
  for (Pass& pass : passes) {
    for (std::int64_t i = 0; i < n; ++i) {
      pass.a[i] = activate(mlp.activation, pass.h[i], pass.h[u - n + i]).a;
    }
  }
  for (std::int64_t c = 0; c < d; ++c) {
    read(mlp.down, mlp.down_first + c * n, 1, n, weights.data());
    for (Pass& pass : passes) pass.y[c] = dot(weights.data(), pass.a.data(), n);
  }
  if (problem.d_out.empty()) return;
  for (Pass& pass : passes) {
    read(problem.d_out, pass.token * d, 1, d, weights.data());
    pass.d_weight = dot(weights.data(), pass.y.data(), d);
  }
}

void run_backward(const Problem& problem, const Mlp& mlp, std::span<Pass> passes) {
  const std::int64_t d = mlp.hidden_dim, n = mlp.ffn_dim, u = mlp.up_dim();
  std::vector<std::vector<double>> d_out, d_a(passes.size(), std::vector<double>(n));
  for (Pass& pass : passes) {
    d_out.push_back(read(problem.d_out, pass.token * d, 1, d));
    pass.d_x.assign(d, 0);
  }
  std::vector<double> weights(std::max(d, n));
  for (std::int64_t c = 0; c < d; ++c) {
    read(mlp.down, mlp.down_first + c * n, 1, n, weights.data());
    for (std::size_t p = 0; p < passes.size(); ++p) {
      add_scaled(passes[p].weight * d_out[p][c], weights.data(), n, d_a[p].data());
    }
  }
  for (std::int64_t i = 0; i < u; ++i) {
    read(mlp.up, mlp.up_first + i * d, 1, d, weights.data());
    const bool is_gate_row = i < u - n;
    const std::int64_t channel = is_gate_row || u == n ? i : i - n;
    for (std::size_t p = 0; p < passes.size(); ++p) {
      Pass& pass = passes[p];
      const Activated at = activate(mlp.activation, pass.h[channel], pass.h[u - n + channel]);
      const double d_h = d_a[p][channel] * (is_gate_row ? at.by_gate : at.by_up);
      add_scaled(d_h, weights.data(), d, pass.d_x.data());
    }
  }
}

}  // namespace moe::truth
