// Requests of many kinds, without a device: what the tests of this room plan for.
#pragma once

#include <string>
#include <vector>

#include "plan/algorithms.h"

namespace moe::plan {

struct Algorithm {
  std::string name;
  Plan (*plan)(const Request&, const DeviceTraits&);
};

inline std::vector<Algorithm> algorithms() {
  using R = Request;
  using T = DeviceTraits;
  return {{"vanilla", [](const R& request, const T& traits) { return vanilla(request, traits); }},
          {"grouped_gemm",
           [](const R& request, const T& traits) { return grouped_gemm(request, traits); }},
          {"sonic", [](const R& request, const T& traits) { return sonic(request, traits); }}};
}

/// A device whose kernels gather by themselves, and one that needs blocks and a GEMM scratchpad.
inline std::vector<DeviceTraits> devices() {
  return {
      {.num_cores = 132, .alignment = 256},
      {.num_cores = 2, .alignment = 64, .gather_block_rows = 1024, .gemm_scratch_bytes = 1 << 20}};
}

inline Request request_for(const LayerConfig& config, std::int64_t tokens, bool training = true) {
  return {.config = config,
          .max_tokens = tokens,
          .max_rows = max_routed_rows(config, tokens),
          .training = training};
}

/// Every activation, type, gate with its own buffers, rounding rule and shared expert.
inline std::vector<Request> requests() {
  const Gate gates[] = {{},
                        {.kind = GateKind::softmax_topk, .renormalize = false},
                        {.kind = GateKind::softmax_topk},
                        {.kind = GateKind::sigmoid, .renormalize = false},
                        {.kind = GateKind::sigmoid, .selection_bias = true}};
  std::vector<Request> all;
  for (Activation activation : {Activation::swiglu, Activation::relu2}) {
    for (DType dtype : {DType::f32, DType::bf16, DType::f16}) {
      for (const Gate& gate : gates) {
        for (RoundingRule rule :
             {RoundingRule::none, RoundingRule::nearest, RoundingRule::up, RoundingRule::down,
              RoundingRule::stochastic, RoundingRule::balance}) {
          for (const SharedExpert& shared :
               {SharedExpert{}, SharedExpert{40, false}, SharedExpert{40, true}}) {
            all.push_back(
                request_for({72, 56, 12, 3, activation, dtype, gate, {rule, 16}, shared}, 101));
          }
        }
      }
    }
  }
  return all;
}

inline std::string describe(const Request& request) {
  const LayerConfig& c = request.config;
  return std::string(name_of(c.activation)) + " " + std::string(name_of(c.dtype)) + " " +
         std::string(name_of(c.gate.kind)) + (c.gate.renormalize ? " renormalized " : " ") +
         std::string(name_of(c.rounding.rule)) + " shared " + std::to_string(c.shared.ffn_dim) +
         (c.shared.gated ? " gated" : "") + (request.training ? "" : " inference");
}

inline const Buffer* find_buffer(const Plan& plan, const std::string& name) {
  for (const Buffer& buffer : plan.buffers) {
    if (buffer.name == name) return &buffer;
  }
  return nullptr;
}

}  // namespace moe::plan
