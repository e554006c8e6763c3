// Elementwise: one thread per token, and one per vector of A.
#include "cuda/kernels/shared_gate/shared_gate.h"

#include "core/activation.h"
#include "cuda/runtime/element.h"
#include "cuda/runtime/launch.cuh"
#include "cuda/tile/activation_math.cuh"
#include "cuda/tile/row_vector.cuh"

namespace moe::cuda {
namespace {

struct Elementwise {
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = 1, kClusterSize = 1;
  static __device__ __forceinline__ std::int64_t index() {
    return std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  }
};

struct OpenGates : Elementwise {
  struct Args {
    float* gates;
    std::int64_t tokens;
  };
  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const std::int64_t token = index();
    if (token < args.tokens) args.gates[token] = sigmoid_of<QuickMath>(args.gates[token]);
  }
};

template <class Element>
struct ScaleRows : Elementwise {
  struct Args {
    const float* gates;
    Element* a;
    std::int64_t vectors, row_vectors;
  };
  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const std::int64_t vector = index();
    if (vector >= args.vectors) return;
    Element* at = args.a + vector * kVectorSize<Element>;
    const float gate = args.gates[vector / args.row_vectors];
    RowVector<Element> row = unpack<Element>(load_vector(at));
#pragma unroll
    for (float& value : row.value) value *= gate;
    store_vector(at, row);
  }
};

template <class Element>
struct GateBackward : Elementwise {
  struct Args {
    const float *gates, *d_gates;
    Element* d_logits;
    std::int64_t tokens;
  };
  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const std::int64_t token = index();
    if (token >= args.tokens) return;
    const float gate = args.gates[token];
    args.d_logits[token] = static_cast<Element>(args.d_gates[token] * gate * (1.0f - gate));
  }
};

template <class Kernel>
void start(const typename Kernel::Args& args, std::int64_t threads, cudaStream_t stream) {
  const std::int64_t blocks = (threads + Kernel::kThreads - 1) / Kernel::kThreads;
  if (blocks > 0) launch<Kernel>(args, dim3(static_cast<unsigned>(blocks)), stream);
}

}  // namespace

void apply_shared_gate(float* gates, void* a, DType dtype, std::int64_t tokens, int n,
                       cudaStream_t stream) {
  start<OpenGates>({gates, tokens}, tokens, stream);
  scale_by_gates(gates, a, dtype, tokens, n, stream);
}

void scale_by_gates(const float* gates, void* a, DType dtype, std::int64_t tokens, int n,
                    cudaStream_t stream) {
  with_narrow_element("scale_by_gates", dtype, [&]<class Element>() {
    const std::int64_t row_vectors = n / kVectorSize<Element>, vectors = tokens * row_vectors;
    start<ScaleRows<Element>>({gates, static_cast<Element*>(a), vectors, row_vectors}, vectors,
                              stream);
  });
}

void shared_gate_backward(const float* gates, const float* d_gates, void* d_logits, DType dtype,
                          std::int64_t tokens, cudaStream_t stream) {
  with_narrow_element("shared_gate_backward", dtype, [&]<class Element>() {
    start<GateBackward<Element>>({gates, d_gates, static_cast<Element*>(d_logits), tokens}, tokens,
                                 stream);
  });
}

}  // namespace moe::cuda
