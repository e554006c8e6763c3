// Activation functions and their derivatives, for one element, in float32.
//
//   gated, a = f(gate) * up                          ungated, a = f(h)
//     swiglu      f = silu                             silu        h * sigmoid(h)
//     geglu       f = gelu                             gelu        h * Phi(h), Phi of the normal
//     law geglu_tanh  f = gelu_tanh                        gelu_tanh   Phi approximated by a tanh
//     reglu       f = max(0, .)                        relu2       max(h, 0)^2
//   clamped_swiglu  (up + 1) * gate * sigmoid(1.702 gate), gate and up clamped at 7 before
//
// Sources: Shazeer, arXiv 2002.05202 (gated); Hendrycks and Gimpel, arXiv 1606.08415 (gelu, silu);
// So et al., arXiv 2109.08668 (relu2); openai/gpt-oss (clamped_swiglu).
//
// Formulas are written over a `Math`, so that a backend may bring a quicker exponential, or a
// sigmoid of its own; the default is exact_math.h.
#pragma once

#include "core/exact_math.h"
#include "moe/config.h"

namespace moe {

struct ExactMath {
  static MOE_HOST_DEVICE float exp(float x) { return exp32(x); }
  static MOE_HOST_DEVICE float divide(float a, float b) { return a / b; }
};

/// A function of one variable and its slope.
struct Curve {
  float value, slope;
};

/// A gated activation and its derivatives by gate and up.
struct GatedCurve {
  float a, by_gate, by_up;
};

/// A constant, since device code cannot call is_gated.
template <Activation kActivation>
inline constexpr bool kIsGated = is_gated(kActivation);

template <class Math>
MOE_HOST_DEVICE inline float sigmoid_of(float x) {
  if constexpr (requires { Math::sigmoid(x); }) {
    return Math::sigmoid(x);
  } else {
    return Math::divide(1.0f, 1.0f + Math::exp(-x));
  }
}

template <class Math>
MOE_HOST_DEVICE inline Curve silu(float x) {
  const float s = sigmoid_of<Math>(x), value = x * s;
  return {value, s + value * (1.0f - s)};
}

/// Phi(x) = erfc(-x / sqrt 2) / 2 by the rational erfc of Numerical Recipes, section 6.2, which
/// makes the smaller tail and no difference: relative error below 1e-6 up to |x| = 3, 1e-5 up to 9.
template <class Math>
MOE_HOST_DEVICE inline float normal_cdf(float x) {
  const float z = (x < 0.0f ? -x : x) * 0.70710678f;
  const float t = Math::divide(1.0f, 1.0f + 0.5f * z);
  float p = 0.17087277f;
  p = p * t - 0.82215223f;
  p = p * t + 1.48851587f;
  p = p * t - 1.13520398f;
  p = p * t + 0.27886807f;
  p = p * t - 0.18628806f;
  p = p * t + 0.09678418f;
  p = p * t + 0.37409196f;
  p = p * t + 1.00002368f;
  p = p * t - 1.26551223f;
  const float tail = 0.5f * t * Math::exp(p - z * z);
  return x < 0.0f ? tail : 1.0f - tail;
}

template <class Math>
MOE_HOST_DEVICE inline Curve gelu(float x) {
  const float phi = normal_cdf<Math>(x);
  const float density = 0.39894228f * Math::exp(-0.5f * x * x);
  return {x * phi, phi + x * density};
}

/// (1 + tanh z) / 2 = sigmoid(2 z), with z = sqrt(2 / pi) (x + 0.044715 x^3).
template <class Math>
MOE_HOST_DEVICE inline Curve gelu_tanh(float x) {
  constexpr float kTwoZ = 1.59576912f, kCubic = 0.044715f;
  const float square = x * x;
  const float s = sigmoid_of<Math>(kTwoZ * x * (1.0f + kCubic * square)), value = x * s;
  return {value, s + value * (1.0f - s) * kTwoZ * (1.0f + 3.0f * kCubic * square)};
}

/// Slope 0 at 0, as autograd has it; a NaN stays one.
MOE_HOST_DEVICE inline Curve relu(float x) {
  return {x < 0.0f ? 0.0f : x, x > 0.0f ? 1.0f : 0.0f};
}

MOE_HOST_DEVICE inline Curve relu2(float x) {
  const float positive = relu(x).value;
  return {positive * positive, 2.0f * positive};
}

/// Slopes are those of clamp() in autograd: 1 at the limit itself, 0 beyond. A NaN stays one.
template <class Math>
MOE_HOST_DEVICE inline GatedCurve clamped_swiglu(float gate, float up) {
  constexpr float kAlpha = 1.702f, kLimit = 7.0f;
  const bool cuts_gate = gate > kLimit, cuts_up = up > kLimit || up < -kLimit;
  const float g = cuts_gate ? kLimit : gate;
  const float u = 1.0f + (cuts_up ? (up < 0.0f ? -kLimit : kLimit) : up);
  const float s = sigmoid_of<Math>(kAlpha * g), glu = g * s;
  const float slope = s + kAlpha * glu * (1.0f - s);
  return {u * glu, cuts_gate ? 0.0f : u * slope, cuts_up ? 0.0f : glu};
}

/// f of the gate when gated, of h otherwise.
template <Activation kActivation, class Math = ExactMath>
MOE_HOST_DEVICE inline Curve curve(float x) {
  if constexpr (kActivation == Activation::geglu || kActivation == Activation::gelu) {
    return gelu<Math>(x);
  } else if constexpr (kActivation == Activation::geglu_tanh ||
                       kActivation == Activation::gelu_tanh) {
    return gelu_tanh<Math>(x);
  } else if constexpr (kActivation == Activation::reglu) {
    return relu(x);
  } else if constexpr (kActivation == Activation::relu2) {
    return relu2(x);
  } else {
    static_assert(kActivation == Activation::swiglu || kActivation == Activation::silu);
    return silu<Math>(x);
  }
}

template <Activation kActivation, class Math = ExactMath>
MOE_HOST_DEVICE inline GatedCurve gated_curve(float gate, float up) {
  if constexpr (kActivation == Activation::clamped_swiglu) {
    return clamped_swiglu<Math>(gate, up);
  } else {
    const Curve f = curve<kActivation, Math>(gate);
    return {f.value * up, f.slope * up, f.value};
  }
}

/// Calls `work.operator()<kActivation>()`: from the run-time value to a constant.
template <class Work>
void with_activation(Activation activation, Work&& work) {
  switch (activation) {
    case Activation::swiglu: return work.template operator()<Activation::swiglu>();
    case Activation::clamped_swiglu: return work.template operator()<Activation::clamped_swiglu>();
    case Activation::geglu: return work.template operator()<Activation::geglu>();
    case Activation::geglu_tanh: return work.template operator()<Activation::geglu_tanh>();
    case Activation::reglu: return work.template operator()<Activation::reglu>();
    case Activation::silu: return work.template operator()<Activation::silu>();
    case Activation::gelu: return work.template operator()<Activation::gelu>();
    case Activation::gelu_tanh: return work.template operator()<Activation::gelu_tanh>();
    case Activation::relu2: return work.template operator()<Activation::relu2>();
  }
}

}  // namespace moe
