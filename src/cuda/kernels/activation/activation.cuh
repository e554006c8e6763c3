// The activation and its gradient, bound by memory: every thread computes 16 bytes of a row of A.
//
// A row of A is cut into segments of 32 vectors; a warp takes one, its lanes a vector each, and the
// columns of H that belong to it.
//
//   H | gate: segment 0 | 1 | ... | up: segment 0 | 1 | ... |
//   A |       segment 0 | 1 | ... |                            behind the end of a row lanes are
//   idle
#pragma once

#include <cstdint>

#include "core/activation.h"
#include "cuda/tile/activation_math.cuh"
#include "cuda/tile/row_vector.cuh"

namespace moe::cuda {

template <class Element>
struct ActivationArgs {
  const Element* h;
  const Element* d_a;         // backward only
  Element* out;               // a, or d_h
  const int* expert_offsets;  // null: max_rows rows
  int num_experts, n;
  unsigned max_rows;
};

/// The vector of a thread: its first element in a, and in the gate columns of h.
struct ActivationPlace {
  std::int64_t a, h;
  bool is_inside;
};

template <Activation kActivation, class Element>
__device__ __forceinline__ ActivationPlace place_of_thread(const ActivationArgs<Element>& args,
                                                           int threads) {
  const unsigned vectors = args.n / kVectorSize<Element>, segments = (vectors + 31) / 32;
  const unsigned warp = blockIdx.x * (threads / 32) + threadIdx.x / 32;
  const unsigned row = warp / segments, vector = warp % segments * 32 + threadIdx.x % 32;
  const std::int64_t row_begin = static_cast<std::int64_t>(row) * args.n;
  const int column = static_cast<int>(vector) * kVectorSize<Element>;
  const unsigned rows = args.expert_offsets == nullptr
                            ? args.max_rows
                            : static_cast<unsigned>(args.expert_offsets[args.num_experts]);
  return {row_begin + column, (kIsGated<kActivation> ? 2 : 1) * row_begin + column,
          row < rows && vector < vectors};
}

template <Activation kActivation, class Element>
struct Activate {
  using Args = ActivationArgs<Element>;
  using Vector = RowVector<Element>;
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = 4, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const ActivationPlace place = place_of_thread<kActivation>(args, kThreads);
    if (!place.is_inside) return;
    Vector a;
    if constexpr (kIsGated<kActivation>) {
      const uint4 gate_words = load_vector(args.h + place.h),
                  up_words = load_vector(args.h + place.h + args.n);
      const Vector gate = unpack<Element>(gate_words), up = unpack<Element>(up_words);
#pragma unroll
      for (int c = 0; c < kVectorSize<Element>; ++c)
        a.value[c] = gated_curve<kActivation, QuickMath>(gate.value[c], up.value[c]).a;
    } else {
      const Vector h = unpack<Element>(load_vector(args.h + place.h));
#pragma unroll
      for (int c = 0; c < kVectorSize<Element>; ++c)
        a.value[c] = curve<kActivation, QuickMath>(h.value[c]).value;
    }
    store_vector(args.out + place.a, a);
  }
};

template <Activation kActivation, class Element>
struct ActivateBackward {
  using Args = ActivationArgs<Element>;
  using Vector = RowVector<Element>;
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = 4, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const ActivationPlace place = place_of_thread<kActivation>(args, kThreads);
    if (!place.is_inside) return;
    const uint4 d_a_words = load_vector(args.d_a + place.a),
                gate_words = load_vector(args.h + place.h);
    Vector d_gate;
    if constexpr (kIsGated<kActivation>) {
      const Vector up = unpack<Element>(load_vector(args.h + place.h + args.n));
      const Vector gate = unpack<Element>(gate_words), d_a = unpack<Element>(d_a_words);
      Vector d_up;
#pragma unroll
      for (int c = 0; c < kVectorSize<Element>; ++c) {
        const GatedCurve at = gated_curve<kActivation, QuickMath>(gate.value[c], up.value[c]);
        d_gate.value[c] = d_a.value[c] * at.by_gate;
        d_up.value[c] = d_a.value[c] * at.by_up;
      }
      store_vector(args.out + place.h + args.n, d_up);
    } else {
      const Vector h = unpack<Element>(gate_words), d_a = unpack<Element>(d_a_words);
#pragma unroll
      for (int c = 0; c < kVectorSize<Element>; ++c)
        d_gate.value[c] = d_a.value[c] * curve<kActivation, QuickMath>(h.value[c]).slope;
    }
    store_vector(args.out + place.h, d_gate);
  }
};

}  // namespace moe::cuda
