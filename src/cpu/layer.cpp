// The order of a pass: router, experts, shared expert; and back.
#include "cpu/layer.h"

#include <cstring>

#include "cpu/router.h"
#include "cpu/shared_expert.h"

namespace moe::cpu {

void Pass::multiply(Matrix a, Matrix b, Matrix c, Accumulate accumulate) const {
  const TensorView scratch = buffer("gemm_scratch");
  gemm(a, b, c, accumulate, {scratch.as<std::byte>(), scratch.bytes()});
}

Pass CpuLayer::start(const Call& call, const Weights& weights, const Inputs& inputs) {
  const Request& request = plan_.request;
  const std::int64_t tokens = inputs.x.shape[0];
  require_planned(request, tokens);
  return {request.config, weights,    inputs, Arena(plan_, call.saved, call.workspace),
          gemm_,          call.probe, tokens};
}

void CpuLayer::forward(const Call& call, const Weights& weights, const Inputs& inputs,
                       const Outputs& outputs) {
  const Pass pass = start(call, weights, inputs);
  if (inputs.given != nullptr) {
    copy_given_routing(pass, plan_.request.max_rows);
  } else {
    route(pass, outputs.logits, !finds_rows_itself(inputs));
  }
  experts_forward(pass, outputs.out);
  if (pass.config.shared.ffn_dim > 0) shared_expert_forward(pass, outputs.out);
}

void CpuLayer::backward(const Call& call, const Weights& weights, const Inputs& inputs,
                        TensorView d_out, const InputGradients& gradients) {
  require_training(plan_.request);
  const Pass pass = start(call, weights, inputs);
  experts_backward(pass, d_out, gradients);
  if (!gradients.d_scores.empty()) {
    std::memcpy(gradients.d_scores.data, pass.buffer("d_scores").data,
                static_cast<std::size_t>(pass.num_rows()) * sizeof(float));
  }
  if (pass.config.shared.ffn_dim > 0) shared_expert_backward(pass, d_out, gradients);
  if (inputs.given == nullptr) router_backward(pass, gradients);
}

Routing CpuLayer::routing(Memory saved, std::int64_t tokens) const {
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

}  // namespace moe::cpu
