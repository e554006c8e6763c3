// Shared expert over row kernels and oneDNN.
#include "cpu/shared_expert.h"

#include "core/exact_math.h"
#include "cpu/activation.h"
#include "cpu/element.h"

namespace moe::cpu {
namespace {

/// gate [T] = sigmoid(x w_shared_gate).
void compute_gate(const Pass& pass, float* gate) {
  const std::int64_t d = pass.config.hidden_dim;
  with_element(pass.inputs.x.dtype, [&]<class Element>() {
    const Element* w = pass.weights.w_shared_gate.as<Element>();
#pragma omp parallel for schedule(static)
    for (std::int64_t t = 0; t < pass.tokens; ++t) {
      const Element* x = pass.inputs.x.as<Element>() + t * d;
      float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
      for (std::int64_t c = 0; c < d; ++c)
        dot += static_cast<float>(x[c]) * static_cast<float>(w[c]);
      gate[t] = sigmoid32(dot);
    }
  });
}

void scale_rows(TensorView rows, const float* scale, std::int64_t count, std::int64_t width) {
  with_element(rows.dtype, [&]<class Element>() {
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < count; ++i) {
      Element* row = rows.as<Element>() + i * width;
      for (std::int64_t c = 0; c < width; ++c)
        row[c] = static_cast<Element>(scale[i] * static_cast<float>(row[c]));
    }
  });
}

/// d_x += d_z w, d_w (+)= sum over tokens of d_z x, with d_z = d_gate * gate * (1 - gate).
void gate_backward(const Pass& pass, const float* gate, const float* d_gate,
                   const InputGradients& gradients) {
  const std::int64_t d = pass.config.hidden_dim;
  const bool add = gradients.accumulate == Accumulate::add;
  with_element(pass.inputs.x.dtype, [&]<class Element>() {
    const Element* x = pass.inputs.x.as<Element>();
    const Element* w = pass.weights.w_shared_gate.as<Element>();
    Element* d_x = gradients.d_x.as<Element>();
    Element* d_w = gradients.weights.w_shared_gate.as<Element>();
#pragma omp parallel for schedule(static)
    for (std::int64_t c = 0; c < d; ++c) {
      double sum = 0.0;
      for (std::int64_t t = 0; t < pass.tokens; ++t) {
        const float d_z = d_gate[t] * gate[t] * (1.0f - gate[t]);
        sum += static_cast<double>(d_z) * static_cast<float>(x[t * d + c]);
        d_x[t * d + c] = static_cast<Element>(static_cast<float>(d_x[t * d + c]) +
                                              d_z * static_cast<float>(w[c]));
      }
      if (d_w == nullptr) continue;
      d_w[c] =
          static_cast<Element>(static_cast<float>(sum) + (add ? static_cast<float>(d_w[c]) : 0.0f));
    }
  });
}

}  // namespace

void shared_expert_forward(const Pass& pass, TensorView out) {
  const StepScope step(pass, "shared_expert");
  const LayerConfig& config = pass.config;
  const std::int64_t T = pass.tokens, d = config.hidden_dim, ns = config.shared.ffn_dim;
  const std::int64_t us = config.shared_up_dim();
  const TensorView h = pass.buffer("shared_h"), a = pass.buffer("shared_a");
  pass.multiply(matrix_rows(pass.inputs.x, 0, T, d),
                transposed(matrix_rows(pass.weights.w_shared_up, 0, us, d)),
                matrix_rows(h, 0, T, us));
  activate(config.activation, UpLayout::concatenated, h, T, ns, a);
  if (config.shared.gated) {
    float* gate = pass.arena.get<float>("shared_gate");
    compute_gate(pass, gate);
    scale_rows(a, gate, T, ns);  // (g a) W^T = g (a W^T), and a is narrower than its product
  }
  pass.multiply(matrix_rows(a, 0, T, ns),
                transposed(matrix_rows(pass.weights.w_shared_down, 0, d, ns)),
                matrix_rows(out, 0, T, d), Accumulate::add);
}

void shared_expert_backward(const Pass& pass, TensorView d_out, const InputGradients& gradients) {
  const StepScope step(pass, "d_shared_expert");
  const LayerConfig& config = pass.config;
  const std::int64_t T = pass.tokens, d = config.hidden_dim, ns = config.shared.ffn_dim;
  const std::int64_t us = config.shared_up_dim();
  const TensorView h = pass.buffer("shared_h"), a_scaled = pass.buffer("shared_a_scaled");
  const TensorView d_h = pass.arena.has("shared_d_h") ? pass.buffer("shared_d_h") : h;
  const TensorView d_a = pass.buffer("shared_d_a");
  const float* gate = config.shared.gated ? pass.arena.get<float>("shared_gate") : nullptr;
  float* d_gate = config.shared.gated ? pass.arena.get<float>("shared_d_gate") : nullptr;

  const Matrix d_out_rows = matrix_rows(d_out, 0, T, d), x = matrix_rows(pass.inputs.x, 0, T, d);
  pass.multiply(d_out_rows, matrix_rows(pass.weights.w_shared_down, 0, d, ns),
                matrix_rows(d_a, 0, T, ns));
  sonic_epilogue(config.activation, UpLayout::concatenated,
                 {h, d_a.as<float>(), gate, a_scaled, d_h, d_gate}, T, ns);
  const Matrix d_h_rows = matrix_rows(d_h, 0, T, us);
  pass.multiply(d_h_rows, matrix_rows(pass.weights.w_shared_up, 0, us, d),
                matrix_rows(gradients.d_x, 0, T, d), Accumulate::add);
  if (!gradients.weights.w_shared_down.empty()) {
    pass.multiply(transposed(d_out_rows), matrix_rows(a_scaled, 0, T, ns),
                  matrix_rows(gradients.weights.w_shared_down, 0, d, ns), gradients.accumulate);
  }
  if (!gradients.weights.w_shared_up.empty()) {
    pass.multiply(transposed(d_h_rows), x, matrix_rows(gradients.weights.w_shared_up, 0, us, d),
                  gradients.accumulate);
  }
  if (config.shared.gated) gate_backward(pass, gate, d_gate, gradients);
}

}  // namespace moe::cpu
