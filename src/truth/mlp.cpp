// One MLP, forward and backward.
#include "truth/mlp.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "moe/error.h"
#include "truth/element.h"

namespace moe::truth {
namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

/// A function of one variable and its derivative.
struct Slope {
  double f, slope;
};

/// x sigmoid(beta x), and d/dx of it by the product rule.
Slope swish(double x, double beta) {
  const double s = sigmoid(beta * x);
  return {x * s, s + beta * x * s * (1 - s)};
}

Slope silu(double x) {
  return swish(x, 1);
}

/// x Phi(x); Phi' is the normal density.
Slope gelu(double x) {
  const double phi = 0.5 * std::erfc(-x / std::numbers::sqrt2);
  const double density = std::exp(-x * x / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  return {x * phi, phi + x * density};
}

/// x (1 + tanh z) / 2, z = sqrt(2 / pi) (x + 0.044715 x^3); tanh' = 1 - tanh^2.
Slope gelu_tanh(double x) {
  const double root = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  const double t = std::tanh(root * (x + 0.044715 * x * x * x));
  const double d_z = root * (1 + 3 * 0.044715 * x * x);
  return {x * (1 + t) / 2, (1 + t) / 2 + x * (1 - t * t) * d_z / 2};
}

Slope relu(double x) {
  return x > 0 ? Slope{x, 1} : Slope{0, 0};
}

Activated gated_by(Slope gate, double h_up) {
  return {gate.f * h_up, gate.slope * h_up, gate.f};
}

Activated ungated(Slope of_h) {
  return {of_h.f, 0, of_h.slope};
}

/// gpt-oss: the gate is cut above 7, up beyond +-7; what is cut has slope 0.
Activated clamped_swiglu(double h_gate, double h_up) {
  const double limit = 7;
  const Slope gate = swish(std::min(h_gate, limit), 1.702);
  const double up = 1 + std::clamp(h_up, -limit, limit);
  return {up * gate.f, h_gate > limit ? 0 : up * gate.slope, std::abs(h_up) > limit ? 0 : gate.f};
}

}  // namespace

ChannelRows rows_of_channel(UpLayout layout, std::int64_t up_dim, std::int64_t ffn_dim,
                            std::int64_t channel) {
  const bool gated = up_dim > ffn_dim;
  if (gated && layout == UpLayout::interleaved) return {2 * channel, 2 * channel + 1};
  return {channel, up_dim - ffn_dim + channel};
}

double Mlp::bias_of_up(std::int64_t i) const {
  return up_bias.empty() ? 0 : element(up_bias, up_bias_first + i);
}

double Mlp::bias_of_down(std::int64_t i) const {
  return down_bias.empty() ? 0 : element(down_bias, down_bias_first + i);
}

Mlp expert_mlp(const Problem& problem, std::int64_t expert) {
  const LayerConfig& c = problem.config;
  return {c.activation,
          c.up_layout,
          c.hidden_dim,
          c.ffn_dim,
          problem.weights.w_up,
          problem.weights.w_down,
          expert * c.up_dim() * c.hidden_dim,
          expert * c.hidden_dim * c.ffn_dim,
          problem.weights.b_up,
          problem.weights.b_down,
          expert * c.up_dim(),
          expert * c.hidden_dim};
}

Mlp shared_mlp(const Problem& problem) {
  const LayerConfig& c = problem.config;
  return {c.activation,
          UpLayout::concatenated,
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
  switch (activation) {
    case Activation::swiglu: return gated_by(silu(h_gate), h_up);
    case Activation::geglu: return gated_by(gelu(h_gate), h_up);
    case Activation::geglu_tanh: return gated_by(gelu_tanh(h_gate), h_up);
    case Activation::reglu: return gated_by(relu(h_gate), h_up);
    case Activation::clamped_swiglu: return clamped_swiglu(h_gate, h_up);
    case Activation::silu: return ungated(silu(h_up));
    case Activation::gelu: return ungated(gelu(h_up));
    case Activation::gelu_tanh: return ungated(gelu_tanh(h_up));
    case Activation::relu2: return ungated({relu(h_up).f * relu(h_up).f, 2 * relu(h_up).f});
  }
  throw Error(ErrorKind::internal, "the truth has no such activation");
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
      passes[p].h[i] = dot(weights.data(), x[p].data(), d) + mlp.bias_of_up(i);
  }
  for (Pass& pass : passes) {
    for (std::int64_t i = 0; i < n; ++i) {
      const ChannelRows rows = mlp.rows_of(i);
      pass.a[i] = activate(mlp.activation, pass.h[rows.gate], pass.h[rows.up]).a;
    }
  }
  for (std::int64_t c = 0; c < d; ++c) {
    read(mlp.down, mlp.down_first + c * n, 1, n, weights.data());
    for (Pass& pass : passes)
      pass.y[c] = dot(weights.data(), pass.a.data(), n) + mlp.bias_of_down(c);
  }
  if (problem.d_out.empty()) return;
  for (Pass& pass : passes) {
    read(problem.d_out, pass.token * d, 1, d, weights.data());
    pass.d_weight = dot(weights.data(), pass.y.data(), d);
  }
}

void run_backward(const Problem& problem, const Mlp& mlp, std::span<Pass> passes) {
  const std::int64_t d = mlp.hidden_dim, n = mlp.ffn_dim;
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
  for (std::int64_t i = 0; i < n; ++i) {
    const ChannelRows rows = mlp.rows_of(i);
    const auto add_row = [&](std::int64_t row, double Activated::*slope) {
      read(mlp.up, mlp.up_first + row * d, 1, d, weights.data());
      for (std::size_t p = 0; p < passes.size(); ++p) {
        Pass& pass = passes[p];
        const Activated at = activate(mlp.activation, pass.h[rows.gate], pass.h[rows.up]);
        add_scaled(d_a[p][i] * at.*slope, weights.data(), d, pass.d_x.data());
      }
    };
    if (rows.gate != rows.up) add_row(rows.gate, &Activated::by_gate);
    add_row(rows.up, &Activated::by_up);
  }
}

}  // namespace moe::truth
