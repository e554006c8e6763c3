// The order of a pass: router, experts, shared expert; and back.
#include "cuda/variants/layer.h"

#include <utility>

#include "cuda/runtime/check.h"
#include "cuda/variants/dense_shared_expert.h"
#include "cuda/variants/router.h"
#include "cuda/variants/shared_expert.h"

namespace moe::cuda {
namespace {

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  MOE_CUDA_CHECK(cudaDeviceGetAttribute(&value, which, device));
  return value;
}

Card card_of(int device) {
  constexpr double kFast = 4e12;  // bytes/s
  const double clock = 1e3 * attribute(cudaDevAttrMemoryClockRate, device);
  const double bytes = 2 * clock * attribute(cudaDevAttrGlobalMemoryBusWidth, device) / 8;
  return {attribute(cudaDevAttrMultiProcessorCount, device), bytes > kFast};
}

}  // namespace

CudaLayer::CudaLayer(Plan plan, DeviceId device)
    : plan_(std::move(plan)), blas_(device.index), card_(card_of(device.index)) {}

Pass CudaLayer::start(const Call& call, const Weights& weights, const Inputs& inputs) {
  const Request& request = plan_.request;
  const std::int64_t tokens = inputs.x.shape[0];
  require_planned(request, tokens);
  Pass pass{request.config,
            weights,
            inputs,
            Arena(plan_, call.saved, call.workspace),
            blas_,
            static_cast<cudaStream_t>(call.stream.native),
            card_,
            request.max_rows,
            expected_rows(request),
            request.max_tokens,
            call.probe,
            tokens,
            inputs.given == nullptr && sums_router_part()};
  const TensorView scratch = pass.buffer("gemm_scratch");
  blas_.use(pass.stream, {scratch.as<std::byte>(), scratch.bytes()});
  return pass;
}

void CudaLayer::forward(const Call& call, const Weights& weights, const Inputs& inputs,
                        const Outputs& outputs) {
  const Pass pass = start(call, weights, inputs);
  if (inputs.given != nullptr) {
    copy_given_routing(pass);
  } else {
    route(pass, outputs.logits);
  }
  experts_forward(pass, outputs.out);
  if (pass.config.shared.ffn_dim > 0) shared_forward(pass, outputs.out);
}

void CudaLayer::backward(const Call& call, const Weights& weights, const Inputs& inputs,
                         TensorView d_out, const InputGradients& gradients) {
  require_training(plan_.request);
  const Pass pass = start(call, weights, inputs);
  experts_backward(pass, d_out, gradients);
  if (!gradients.d_scores.empty()) {
    const std::size_t bytes = static_cast<std::size_t>(plan_.request.max_rows) * sizeof(float);
    MOE_CUDA_CHECK(cudaMemcpyAsync(gradients.d_scores.data, pass.buffer("d_scores").data, bytes,
                                   cudaMemcpyDeviceToDevice, pass.stream));
  }
  if (pass.config.shared.ffn_dim > 0) shared_backward(pass, d_out, gradients);
  if (inputs.given == nullptr) router_backward(pass, gradients);
}

void CudaLayer::shared_forward(const Pass& pass, TensorView out) {
  if (pass.arena.has("shared_offsets")) return shared_expert_forward(pass, out);
  dense_shared_expert_forward(pass, out);  // as it was planned
}

void CudaLayer::shared_backward(const Pass& pass, TensorView d_out,
                                const InputGradients& gradients) {
  shared_expert_backward(pass, d_out, gradients);
}

Routing CudaLayer::routing(Memory saved, std::int64_t tokens) const {
  Plan saved_only = plan_;
  std::erase_if(saved_only.buffers, [](const Buffer& b) { return b.region != Region::saved; });
  saved_only.workspace_bytes = 0;
  const Arena arena(saved_only, saved, {});
  Routing routing{arena["expert_offsets"], arena["row_tokens"],   arena["row_scores"],
                  arena["token_offsets"],  arena["token_rows"],   plan_.request.max_rows,
                  arena["chosen_experts"], arena["chosen_scores"]};
  routing.token_offsets.shape[0] = tokens + 1;
  routing.chosen_experts.shape[0] = routing.chosen_scores.shape[0] = tokens;
  return routing;
}

}  // namespace moe::cuda
