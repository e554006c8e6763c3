// The activation and its gradient, bound by memory: 16 bytes per access.
//
// A row of n elements is cut into segments of 32 vectors, one per lane; a warp takes kSegments of them
// in a row and loads all before it computes any.
//
//   h   | gate: segment 0 | 1 | ... | up: segment 0 | 1 | ... |
//   a   |       segment 0 | 1 | ... |                            n not a multiple of 32 vectors: lanes idle
#pragma once

#include <cstdint>

#include "cuda/tile/activation_math.cuh"
#include "cuda/tile/row_vector.cuh"
#include "moe/config.h"

namespace moe::cuda {

#ifndef ACT_SEG
#define ACT_SEG 1
#endif
#ifndef ACT_ST
#define ACT_ST store_vector
#endif
#ifndef ACT_LD
#define ACT_LD load_vector
#endif

template <class Element>
struct ActivationArgs {
  const Element* h;
  const Element* d_a;  // backward only
  Element* out;        // a, or d_h
  const int* expert_offsets;
  int num_experts;
  int n;
};

/// Where the lanes of a warp work: the first element of each lane's vectors.
template <class Element>
class SegmentWalk {
 public:
  static constexpr int kSegments = ACT_SEG;  // of one warp, so that as many loads are in flight

  __device__ __forceinline__ SegmentWalk(int n, int rows, int warp)
      : vectors_(n / kVectorSize<Element>), segments_((vectors_ + 31) / 32), rows_(rows), first_(warp * kSegments) {}

  __device__ __forceinline__ bool is_inside() const { return row(0) < rows_; }
  __device__ __forceinline__ int row(int i) const { return (first_ + i) / segments_; }
  __device__ __forceinline__ int column(int i) const { return vector(i) * kVectorSize<Element>; }
  __device__ __forceinline__ bool has(int i) const { return row(i) < rows_ && vector(i) < vectors_; }

 private:
  __device__ __forceinline__ int vector(int i) const {
    return (first_ + i) % segments_ * 32 + static_cast<int>(threadIdx.x % 32);
  }

  unsigned vectors_, segments_;
  int rows_;
  unsigned first_;
};

template <Activation kActivation, class Element>
struct Activate {
  using Args = ActivationArgs<Element>;
  using Walk = SegmentWalk<Element>;
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = 4, kClusterSize = 1;
  static constexpr bool kGated = is_gated(kActivation);

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const Walk walk(args.n, args.expert_offsets[args.num_experts], (blockIdx.x * kThreads + threadIdx.x) / 32);
    if (!walk.is_inside()) return;
    uint4 gate[Walk::kSegments], up[Walk::kSegments];
#pragma unroll
    for (int i = 0; i < Walk::kSegments; ++i) {
      if (!walk.has(i)) continue;
      const Element* at = args.h + static_cast<std::int64_t>(walk.row(i)) * args.n * (kGated ? 2 : 1) + walk.column(i);
      gate[i] = ACT_LD(at);
      if constexpr (kGated) up[i] = ACT_LD(at + args.n);
    }
#pragma unroll
    for (int i = 0; i < Walk::kSegments; ++i) {
      if (!walk.has(i)) continue;
      Element* at = args.out + static_cast<std::int64_t>(walk.row(i)) * args.n + walk.column(i);
      ACT_ST(at, value_of(unpack<Element>(gate[i]), unpack<Element>(up[i])));
    }
  }

  static __device__ __forceinline__ RowVector<Element> value_of(const RowVector<Element>& gate,
                                                                const RowVector<Element>& up) {
    RowVector<Element> a;
#pragma unroll
    for (int c = 0; c < kVectorSize<Element>; ++c) {
      a.value[c] = kGated ? swiglu_of(gate.value[c], up.value[c]) : relu2_of(gate.value[c]);
    }
    return a;
  }
};

template <Activation kActivation, class Element>
struct ActivateBackward {
  using Args = ActivationArgs<Element>;
  using Walk = SegmentWalk<Element>;
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = 4, kClusterSize = 1;
  static constexpr bool kGated = is_gated(kActivation);

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const Walk walk(args.n, args.expert_offsets[args.num_experts], (blockIdx.x * kThreads + threadIdx.x) / 32);
    if (!walk.is_inside()) return;
    uint4 gate[Walk::kSegments], up[Walk::kSegments], d_a[Walk::kSegments];
#pragma unroll
    for (int i = 0; i < Walk::kSegments; ++i) {
      if (!walk.has(i)) continue;
      const Element* at = args.h + static_cast<std::int64_t>(walk.row(i)) * args.n * (kGated ? 2 : 1) + walk.column(i);
      gate[i] = ACT_LD(at);
      if constexpr (kGated) up[i] = ACT_LD(at + args.n);
      d_a[i] = ACT_LD(args.d_a + static_cast<std::int64_t>(walk.row(i)) * args.n + walk.column(i));
    }
#pragma unroll
    for (int i = 0; i < Walk::kSegments; ++i) {
      if (!walk.has(i)) continue;
      Element* at = args.out + static_cast<std::int64_t>(walk.row(i)) * args.n * (kGated ? 2 : 1) + walk.column(i);
      store(args.n, at, unpack<Element>(gate[i]), unpack<Element>(up[i]), unpack<Element>(d_a[i]));
    }
  }

  static __device__ __forceinline__ void store(int n, Element* at, const RowVector<Element>& gate,
                                               const RowVector<Element>& up, const RowVector<Element>& d_a) {
    RowVector<Element> d_gate, d_up;
#pragma unroll
    for (int c = 0; c < kVectorSize<Element>; ++c) {
      if constexpr (kGated) {
        const SwigluGradients d = swiglu_gradients(gate.value[c], up.value[c], d_a.value[c]);
        d_gate.value[c] = d.d_gate;
        d_up.value[c] = d.d_up;
      } else {
        d_gate.value[c] = relu2_gradient(gate.value[c], d_a.value[c]);
      }
    }
    ACT_ST(at, d_gate);
    if constexpr (kGated) ACT_ST(at + n, d_up);
  }
};

}  // namespace moe::cuda
