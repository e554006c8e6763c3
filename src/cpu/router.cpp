// Router steps over routing/ (the policies) and oneDNN (the products).
#include "cpu/router.h"

#include <cstring>
#include <string>

#include "cpu/element.h"
#include "cpu/row_kernels.h"
#include "moe/error.h"
#include "routing/gate.h"
#include "routing/rows.h"

namespace moe::cpu {
namespace {

/// logits [T, E] += b_router [E].
void add_bias(const Pass& pass, float* logits) {
  const std::int64_t E = pass.config.num_experts;
  with_element(pass.weights.b_router.dtype, [&]<class Element>() {
    const Element* bias = pass.weights.b_router.as<Element>();
#pragma omp parallel for schedule(static)
    for (std::int64_t t = 0; t < pass.tokens; ++t) {
      for (std::int64_t e = 0; e < E; ++e) logits[t * E + e] += static_cast<float>(bias[e]);
    }
  });
}

/// logits [T, E] = x w_router^T (+ b_router) (+ offsets).
void compute_logits(const Pass& pass, float* logits) {
  const LayerConfig& config = pass.config;
  const std::int64_t d = config.hidden_dim, E = config.num_experts;
  const Matrix x = matrix_rows(pass.inputs.x, 0, pass.tokens, d);
  const Matrix w = matrix_rows(pass.weights.w_router, 0, E, d);
  pass.multiply(x, transposed(w), {logits, DType::f32, pass.tokens, E, E, 1});
  if (pass.config.gate.logit_bias) add_bias(pass, logits);
  if (pass.inputs.logit_offsets.empty()) return;
  const float* offsets = pass.inputs.logit_offsets.as<float>();
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < pass.tokens * E; ++i) logits[i] += offsets[i];
}

void make_token_rows(const Pass& pass) {
  routing::build_token_rows(pass.expert_offsets(), pass.row_tokens(), pass.config.num_experts,
                            pass.tokens, pass.arena.get<std::int32_t>("token_offsets"),
                            pass.arena.get<std::int32_t>("token_rows"));
}

void permute(const Pass& pass) {
  const StepScope step(pass, "permute");
  const auto* experts = pass.arena.get<std::int32_t>("chosen_experts");
  const auto* scores = pass.arena.get<float>("chosen_scores");
  const routing::Rows rows{pass.arena.get<std::int32_t>("expert_offsets"),
                           pass.arena.get<std::int32_t>("row_tokens"),
                           pass.arena.get<float>("row_scores")};
  if (pass.config.rounding.rule == RoundingRule::none) {
    routing::build_rows(pass.config, experts, scores, pass.tokens, rows);
  } else {
    const TensorView keys = pass.buffer("rounding_keys");
    routing::build_rounded_rows(pass.config, pass.arena.get<float>("logits"), experts, scores,
                                pass.arena.get<routing::TokenNorm>("token_norms"), pass.tokens,
                                keys.as<std::byte>(), keys.bytes(), rows,
                                pass.inputs.rounding_seed);
  }
  make_token_rows(pass);
}

void copy(TensorView source, const Pass& pass, const char* name, std::int64_t count) {
  std::memcpy(pass.buffer(name).data, source.data, static_cast<std::size_t>(count) * 4);
}

/// d_logits in the layer's type, for products with x and w_router.
TensorView typed_d_logits(const Pass& pass) {
  const TensorView d_logits = pass.buffer("d_logits");
  if (pass.config.dtype == DType::f32) return d_logits;
  const TensorView typed = pass.buffer("d_logits_typed");
  const std::int64_t count = pass.tokens * pass.config.num_experts;
  with_element(typed.dtype, [&]<class Element>() {
    for (std::int64_t i = 0; i < count; ++i) {
      typed.as<Element>()[i] = static_cast<Element>(d_logits.as<float>()[i]);
    }
  });
  return typed;
}

}  // namespace

void route(const Pass& pass, TensorView logits_copy, bool make_rows) {
  float* logits = pass.arena.get<float>("logits");
  {
    const StepScope step(pass, "router_logits");
    compute_logits(pass, logits);
  }
  {
    const StepScope step(pass, "choose");
    const bool has_bias = pass.config.gate.selection_bias;
    routing::choose(pass.config, logits, has_bias ? pass.weights.b_select.as<float>() : nullptr,
                    pass.tokens, pass.arena.get<std::int32_t>("chosen_experts"),
                    pass.arena.get<float>("chosen_scores"),
                    pass.arena.get<routing::TokenNorm>("token_norms"));
  }
  if (make_rows) permute(pass);
  if (!logits_copy.empty()) {
    std::memcpy(logits_copy.data, logits,
                static_cast<std::size_t>(pass.tokens * pass.config.num_experts) * sizeof(float));
  }
}

void copy_given_routing(const Pass& pass, std::int64_t max_rows) {
  const Routing& given = *pass.inputs.given;
  const std::int64_t E = pass.config.num_experts;
  const std::int64_t rows = given.expert_offsets.as<std::int32_t>()[E];
  if (rows > max_rows) {
    throw Error(ErrorKind::usage, "the given routing has more rows than the layer was planned for",
                std::to_string(rows) + " rows, Request::max_rows is " + std::to_string(max_rows));
  }
  copy(given.expert_offsets, pass, "expert_offsets", E + 1);
  copy(given.row_tokens, pass, "row_tokens", rows);
  copy(given.row_scores, pass, "row_scores", rows);
  copy(given.token_offsets, pass, "token_offsets", pass.tokens + 1);
  copy(given.token_rows, pass, "token_rows", rows);
}

void router_backward(const Pass& pass, const InputGradients& gradients) {
  const StepScope step(pass, "d_router");
  const LayerConfig& config = pass.config;
  const std::int64_t d = config.hidden_dim, E = config.num_experts;
  routing::GateBackward in{.logits = nullptr,
                           .chosen_experts = pass.arena.get<std::int32_t>("chosen_experts"),
                           .chosen_scores = pass.arena.get<float>("chosen_scores"),
                           .norms = nullptr,
                           .expert_offsets = pass.expert_offsets(),
                           .token_offsets = pass.token_offsets(),
                           .token_rows = pass.token_rows(),
                           .row_scores = pass.row_scores(),
                           .d_scores = pass.arena.get<float>("d_scores")};
  if (routing::backward_needs_logits(config.gate)) {
    float* logits = pass.arena.get<float>("logits_again");
    compute_logits(pass, logits);
    in.logits = logits;
  }
  if (routing::backward_needs_norms(config.gate)) {
    in.norms = pass.arena.get<routing::TokenNorm>("token_norms");
  }
  routing::gate_backward(config, in, pass.tokens, pass.arena.get<float>("d_logits"));

  const TensorView typed = typed_d_logits(pass);
  if (!gradients.weights.b_router.empty()) {
    TensorView d_bias = gradients.weights.b_router;
    sum_rows(typed, nullptr, nullptr, pass.tokens, gradients.accumulate,
             {d_bias.data, d_bias.dtype, {1, E}});
  }
  const Matrix d_logits = matrix_rows(typed, 0, pass.tokens, E);
  pass.multiply(d_logits, matrix_rows(pass.weights.w_router, 0, E, d),
                matrix_rows(gradients.d_x, 0, pass.tokens, d), Accumulate::add);
  if (!gradients.weights.w_router.empty()) {
    pass.multiply(transposed(d_logits), matrix_rows(pass.inputs.x, 0, pass.tokens, d),
                  matrix_rows(gradients.weights.w_router, 0, E, d), gradients.accumulate);
  }
}

}  // namespace moe::cpu
