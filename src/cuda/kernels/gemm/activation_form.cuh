// Which activations a fused product is compiled for. SwiGLU has instances of its own; the other
// gated ones share an instance, and so do the ungated ones, which choose at run time, once for 64
// columns of a tile.
#pragma once

#include <cuda_fp16.h>

#include <type_traits>

#include "core/activation.h"
#include "cuda/tile/activation_math.cuh"

namespace moe::cuda {

/// kParts: how many columns of H belong to one of A. visit() calls
/// `work.operator()<kActivation>()`.
struct SwigluOnly {
  static constexpr int kParts = 2;
  template <class Work>
  static __device__ __forceinline__ void visit(Activation, Work&& work) {
    work.template operator()<Activation::swiglu>();
  }
};

struct Gated {
  static constexpr int kParts = 2;
  template <class Work>
  static __device__ __forceinline__ void visit(Activation activation, Work&& work) {
    switch (activation) {
      case Activation::clamped_swiglu:
        return work.template operator()<Activation::clamped_swiglu>();
      case Activation::geglu: return work.template operator()<Activation::geglu>();
      case Activation::geglu_tanh: return work.template operator()<Activation::geglu_tanh>();
      default: return work.template operator()<Activation::reglu>();
    }
  }
};

/// SwiGLU among the others, for a type that has no instance for it alone.
struct AnyGated {
  static constexpr int kParts = 2;
  template <class Work>
  static __device__ __forceinline__ void visit(Activation activation, Work&& work) {
    if (activation == Activation::swiglu) return work.template operator()<Activation::swiglu>();
    Gated::visit(activation, work);
  }
};

struct Ungated {
  static constexpr int kParts = 1;
  template <class Work>
  static __device__ __forceinline__ void visit(Activation activation, Work&& work) {
    switch (activation) {
      case Activation::silu: return work.template operator()<Activation::silu>();
      case Activation::gelu: return work.template operator()<Activation::gelu>();
      case Activation::gelu_tanh: return work.template operator()<Activation::gelu_tanh>();
      default: return work.template operator()<Activation::relu2>();
    }
  }
};

/// The shorter sigmoid's error vanishes in bfloat16's rounding; it is as large as float16's.
template <class Element>
using MathFor = std::conditional_t<std::is_same_v<Element, __half>, QuickMath, EpilogueMath>;

/// Value and derivatives; an ungated activation ignores `up`.
template <Activation kActivation, class Math>
__device__ __forceinline__ GatedCurve activation_at(float gate, float up) {
  if constexpr (kIsGated<kActivation>) {
    return gated_curve<kActivation, Math>(gate, up);
  } else {
    const Curve f = curve<kActivation, Math>(gate);
    return {f.value, f.slope, 0.0f};
  }
}

}  // namespace moe::cuda
