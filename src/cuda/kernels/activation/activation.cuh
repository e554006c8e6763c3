// The activation and its gradient, bound by memory: every thread computes 16 bytes of a row of A.
//
// A row of A is cut into segments of 32 vectors; a warp takes one, its lanes a vector each, and the
// columns of H that belong to it.
//
//   H | gate: segment 0 | 1 | ... | up: segment 0 | 1 | ... |    concatenated
//   H | gate and up in turns: segment 0 | 1 | ...           |    interleaved: 2 vectors of a lane
//   A | segment 0 | 1 | ...   |                                  behind the end of a row lanes idle
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
  UpLayout layout;
};

/// The vector of a thread: its first element in a, and in h or its concatenated gate columns.
struct ActivationPlace {
  std::int64_t a, h;
  bool is_inside;
};

/// Gate and up of a thread's channels. Its two vectors of h lie far apart, or one behind the other
/// with gate and up in turns.
template <UpLayout kLayout, class Element>
struct GateAndUp {
  static constexpr bool kInterleaved = kLayout == UpLayout::interleaved;
  static constexpr int kSize = kVectorSize<Element>;
  using Vector = RowVector<Element>;
  Vector gate, up;

  static __device__ __forceinline__ std::int64_t first(const ActivationPlace& place) {
    return kInterleaved ? 2 * place.a : place.h;
  }
  static __device__ __forceinline__ std::int64_t second(const ActivationPlace& place, int n) {
    return first(place) + (kInterleaved ? kSize : n);
  }

  static __device__ __forceinline__ GateAndUp load(const Element* h, const ActivationPlace& place,
                                                   int n) {
    const uint4 first_words = load_vector(h + first(place)),
                second_words = load_vector(h + second(place, n));
    const Vector one = unpack<Element>(first_words), other = unpack<Element>(second_words);
    GateAndUp of = {one, other};
    if constexpr (kInterleaved) {
#pragma unroll
      for (int i = 0; i < kSize / 2; ++i) {
        of.gate.value[i] = one.value[2 * i];
        of.up.value[i] = one.value[2 * i + 1];
        of.gate.value[kSize / 2 + i] = other.value[2 * i];
        of.up.value[kSize / 2 + i] = other.value[2 * i + 1];
      }
    }
    return of;
  }

  __device__ __forceinline__ void store(Element* h, const ActivationPlace& place, int n) const {
    Vector one = gate, other = up;
    if constexpr (kInterleaved) {
#pragma unroll
      for (int i = 0; i < kSize / 2; ++i) {
        one.value[2 * i] = gate.value[i];
        one.value[2 * i + 1] = up.value[i];
        other.value[2 * i] = gate.value[kSize / 2 + i];
        other.value[2 * i + 1] = up.value[kSize / 2 + i];
      }
    }
    store_vector(h + second(place, n), other);
    store_vector(h + first(place), one);
  }
};

/// Calls `work.operator()<kLayout>()`: one branch, which all threads take alike.
template <class Work>
__device__ __forceinline__ void with_layout(UpLayout layout, Work&& work) {
  if (layout == UpLayout::interleaved) return work.template operator()<UpLayout::interleaved>();
  work.template operator()<UpLayout::concatenated>();
}

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
      with_layout(args.layout, [&]<UpLayout kLayout>() {
        const auto h = GateAndUp<kLayout, Element>::load(args.h, place, args.n);
#pragma unroll
        for (int c = 0; c < kVectorSize<Element>; ++c)
          a.value[c] = gated_curve<kActivation, QuickMath>(h.gate.value[c], h.up.value[c]).a;
      });
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
    const uint4 d_a_words = load_vector(args.d_a + place.a);
    if constexpr (kIsGated<kActivation>) {
      with_layout(args.layout, [&]<UpLayout kLayout>() {
        const auto h = GateAndUp<kLayout, Element>::load(args.h, place, args.n);
        const Vector d_a = unpack<Element>(d_a_words);
        GateAndUp<kLayout, Element> d_h;
#pragma unroll
        for (int c = 0; c < kVectorSize<Element>; ++c) {
          const GatedCurve at = gated_curve<kActivation, QuickMath>(h.gate.value[c], h.up.value[c]);
          d_h.gate.value[c] = d_a.value[c] * at.by_gate;
          d_h.up.value[c] = d_a.value[c] * at.by_up;
        }
        d_h.store(args.out, place, args.n);
      });
    } else {
      const Vector h = unpack<Element>(load_vector(args.h + place.h)),
                   d_a = unpack<Element>(d_a_words);
      Vector d_h;
#pragma unroll
      for (int c = 0; c < kVectorSize<Element>; ++c)
        d_h.value[c] = d_a.value[c] * curve<kActivation, QuickMath>(h.value[c]).slope;
      store_vector(args.out + place.h, d_h);
    }
  }
};

}  // namespace moe::cuda
