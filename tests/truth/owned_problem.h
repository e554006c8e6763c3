// A small problem that owns its tensors, filled with random numbers, in any float type.
#pragma once

#include <cmath>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/random.h"
#include "moe/error.h"
#include "truth/element.h"
#include "truth/problem.h"
#include "truth/router.h"

namespace moe::truth {

/// Writes a double into a tensor of any float type.
inline void set_element(const TensorView& view, std::int64_t index, double value) {
  switch (view.dtype) {
    case DType::f64: view.as<double>()[index] = value; return;
    case DType::f32: view.as<float>()[index] = static_cast<float>(value); return;
    case DType::bf16: view.as<bfloat16>()[index] = bfloat16(static_cast<float>(value)); return;
    case DType::f16: view.as<float16>()[index] = float16(static_cast<float>(value)); return;
    default: throw Error(ErrorKind::internal, "not a float tensor");
  }
}

/// Memory for tensors that live as long as this object.
class TensorStore {
 public:
  TensorView make(DType dtype, std::initializer_list<std::int64_t> shape) {
    TensorView view(nullptr, dtype, shape);
    view.data = memory_.emplace_back(view.bytes() / sizeof(double) + 1).data();
    return view;
  }

 private:
  std::deque<std::vector<double>> memory_;
};

struct OwnedProblem {
  TensorStore store;
  Problem problem;

  OwnedProblem(LayerConfig config, std::int64_t tokens, DType dtype, std::uint64_t seed = 1) {
    config.dtype = dtype;
    const std::int64_t d = config.hidden_dim, n = config.ffn_dim, num_experts = config.num_experts;
    Weights& w = problem.weights;
    problem.config = config;
    problem.x = random({tokens, d}, 1.0, seed, 1);
    problem.d_out = random({tokens, d}, 1.0, seed, 2);
    w.w_router = random({num_experts, d}, 1.0 / std::sqrt(d), seed, 3);
    w.w_up = random({num_experts, config.up_dim(), d}, 1.0 / std::sqrt(d), seed, 4);
    w.w_down = random({num_experts, d, n}, 1.0 / std::sqrt(n), seed, 5);
    if (config.gate.logit_bias) w.b_router = random({num_experts}, 0.5, seed, 11);
    if (config.expert_bias) {
      w.b_up = random({num_experts, config.up_dim()}, 0.5, seed, 9);
      w.b_down = random({num_experts, d}, 0.5, seed, 10);
    }
    if (config.gate.selection_bias) {
      w.b_select = store.make(DType::f32, {num_experts});
      for (std::int64_t e = 0; e < num_experts; ++e) {
        w.b_select.as<float>()[e] = 0.1f * random_normal(seed, RandomStream::b_select, e);
      }
    }
    if (config.shared.ffn_dim == 0) return;
    w.w_shared_up = random({config.shared_up_dim(), d}, 1.0 / std::sqrt(d), seed, 6);
    w.w_shared_down = random({d, config.shared.ffn_dim}, 1.0 / std::sqrt(n), seed, 7);
    if (config.shared.gated) w.w_shared_gate = random({d}, 1.0 / std::sqrt(d), seed, 8);
  }

  /// Logits of all tokens: [T, E].
  std::vector<double> logits() const {
    std::vector<double> all;
    for (std::int64_t t = 0; t < problem.tokens(); ++t) {
      const std::vector<double> of_token = token_logits(problem, t);
      all.insert(all.end(), of_token.begin(), of_token.end());
    }
    return all;
  }

  /// The router's result, with scores in double from logits in double.
  RoutedRows route_all() const {
    const std::vector<double> exact = logits();
    const std::vector<float> rounded(exact.begin(), exact.end());
    RoutedRows routed = route(problem.config, rounded.data(), problem.weights.b_select.as<float>(),
                              problem.tokens());
    replace_logits(problem.config, exact, routed);
    return routed;
  }

 private:
  TensorView random(std::initializer_list<std::int64_t> shape, double deviation, std::uint64_t seed,
                    std::uint64_t tensor) {
    const TensorView view = store.make(problem.config.dtype, shape);
    for (std::int64_t i = 0; i < view.size(); ++i) {
      const double value = random_normal(seed, RandomStream::tests, (tensor << 32) + i);
      set_element(view, i, deviation * value);
    }
    return view;
  }
};

}  // namespace moe::truth
