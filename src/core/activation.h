// Activation functions and their derivatives, for one element, in float32.
//
//   swiglu  a = silu(gate) * up, silu(x) = x * sigmoid(x)   (Shazeer, arXiv 2002.05202)
//   relu2   a = max(h, 0)^2                                 (So et al., arXiv 2109.08668)
#pragma once

#include "core/exact_math.h"

namespace moe {

struct SwigluGradient {
  float a;  // recomputed output
  float d_gate;
  float d_up;
};

MOE_HOST_DEVICE inline float swiglu(float gate, float up) {
  return gate * sigmoid32(gate) * up;
}

MOE_HOST_DEVICE inline SwigluGradient swiglu_backward(float gate, float up, float d_a) {
  const float sigmoid = sigmoid32(gate);
  const float silu = gate * sigmoid;
  return {silu * up, d_a * up * (sigmoid + silu * (1.0f - sigmoid)), d_a * silu};
}

MOE_HOST_DEVICE inline float relu2(float h) {
  return h > 0.0f ? h * h : 0.0f;
}

MOE_HOST_DEVICE inline float relu2_backward(float h, float d_a) {
  return h > 0.0f ? 2.0f * h * d_a : 0.0f;
}

}  // namespace moe
