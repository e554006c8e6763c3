// Instances of the activation and its gradient.
#include "cuda/kernels/activation/activation.cuh"

#include <string>

#include "cuda/kernels/activation/activation.h"
#include "cuda/runtime/element.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

template <class Kernel, class Element>
void start(const ActivationRows& rows, const typename Kernel::Args& args, cudaStream_t stream) {
  const std::int64_t warps = (rows.n / kVectorSize<Element> + 31) / 32 * rows.max_rows;
  if (warps == 0) return;
  if (rows.n % 8 != 0 || warps >= std::int64_t{1} << 31) {
    throw Error(ErrorKind::internal, "activation: it cannot take this shape",
                std::to_string(rows.max_rows) + " rows of " + std::to_string(rows.n),
                "n must be a multiple of 8, rows times n below 2^38");
  }
  constexpr int kWarps = Kernel::kThreads / 32;
  launch<Kernel>(args, dim3(static_cast<unsigned>((warps + kWarps - 1) / kWarps)), stream);
}

template <template <Activation, class> class Kernel, class Element>
void start_for(const ActivationRows& rows, const void* h, const void* d_a, void* out,
               cudaStream_t stream) {
  const ActivationArgs<Element> args = {static_cast<const Element*>(h),
                                        static_cast<const Element*>(d_a),
                                        static_cast<Element*>(out),
                                        rows.expert_offsets,
                                        rows.num_experts,
                                        rows.n,
                                        static_cast<unsigned>(rows.max_rows),
                                        rows.layout};
  with_activation(rows.activation, [&]<Activation kActivation>() {
    start<Kernel<kActivation, Element>, Element>(rows, args, stream);
  });
}

template <template <Activation, class> class Kernel>
void start_with(const ActivationRows& rows, const void* h, const void* d_a, void* out,
                cudaStream_t stream) {
  with_element("activation", rows.dtype,
               [&]<class Element>() { start_for<Kernel, Element>(rows, h, d_a, out, stream); });
}

}  // namespace

void activate(const ActivationRows& rows, const void* h, void* a, cudaStream_t stream) {
  start_with<Activate>(rows, h, nullptr, a, stream);
}

void activate_backward(const ActivationRows& rows, const void* h, const void* d_a, void* d_h,
                       cudaStream_t stream) {
  start_with<ActivateBackward>(rows, h, d_a, d_h, stream);
}

}  // namespace moe::cuda
