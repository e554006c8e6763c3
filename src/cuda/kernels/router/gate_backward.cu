// The launches of gate_backward().
#include "cuda/kernels/router/gate_backward.cuh"

#include "cuda/runtime/element.h"
#include "cuda/runtime/launch.cuh"
#include "moe/dtype.h"

namespace moe::cuda {
namespace {

/// The same bits under the compiler's name for the type.
template <class Element>
struct OnDevice {
  using Type = Element;
};
template <>
struct OnDevice<bfloat16> {
  using Type = __nv_bfloat16;
};
template <>
struct OnDevice<float16> {
  using Type = __half;
};

}  // namespace

template <class Element>
void gate_backward(const LayerConfig& config, const GateBackwardProblem& problem, Element* d_logits,
                   cudaStream_t stream) {
  if (problem.tokens == 0) return;
  using DeviceElement = typename OnDevice<Element>::Type;
  using Kernel = GateBackward<DeviceElement>;
  const int num_experts = static_cast<int>(config.num_experts);
  const int block_tokens = Kernel::block_tokens_for(num_experts);
  const Gate& gate = config.gate;
  const typename Kernel::Args args = {
      .problem = problem,
      .d_logits = reinterpret_cast<DeviceElement*>(d_logits),
      .num_experts = num_experts,
      .top_k = static_cast<int>(config.top_k),
      .block_tokens = block_tokens,
      .scale = gate.scale,
      .is_sigmoid = gate.kind == GateKind::sigmoid,
      .renormalizes = gate.kind == GateKind::topk_softmax || gate.renormalize};
  const std::int64_t blocks = (problem.tokens + block_tokens - 1) / block_tokens;
  launch<Kernel>(args, dim3(static_cast<unsigned>(blocks)), stream);
}

template void gate_backward(const LayerConfig&, const GateBackwardProblem&, float*, cudaStream_t);
template void gate_backward(const LayerConfig&, const GateBackwardProblem&, bfloat16*,
                            cudaStream_t);
template void gate_backward(const LayerConfig&, const GateBackwardProblem&, float16*, cudaStream_t);

}  // namespace moe::cuda
