// Router steps. The two small dense products go through cuBLAS.
#include "cuda/variants/router.h"

#include <string>

#include "cuda/kernels/bias/bias_gradient.h"
#include "cuda/kernels/bias/fill_bias.h"
#include "cuda/kernels/permute/build_rows.h"
#include "cuda/kernels/round/round.h"
#include "cuda/kernels/router/choose.h"
#include "cuda/kernels/router/gate_backward.h"
#include "cuda/runtime/check.h"
#include "moe/error.h"
#include "routing/gate.h"

namespace moe::cuda {
namespace {

/// logits [T, E] = x w_router^T (+ b_router), float32, or added to what `logits` holds.
void compute_logits(const Pass& pass, float* logits,
                    Accumulate accumulate = Accumulate::overwrite) {
  const std::int64_t d = pass.config.hidden_dim, E = pass.config.num_experts;
  if (pass.config.gate.logit_bias) {
    fill_bias({pass.weights.b_router.data, logits, DType::f32, pass.tokens, E,
               accumulate == Accumulate::add, pass.config.dtype},
              pass.stream);
    accumulate = Accumulate::add;
  }
  pass.blas.gemm_rows({.a = {.data = pass.inputs.x.data, .stride = d},
                       .b = {.data = pass.weights.w_router.data, .stride = d, .transposed = true},
                       .c = {.data = logits, .stride = E},
                       .m = pass.tokens,
                       .n = E,
                       .k = d,
                       .in_dtype = pass.config.dtype,
                       .out_dtype = DType::f32,
                       .accumulate = accumulate});
}

void copy_words(const Pass& pass, const char* name, TensorView source, std::int64_t count) {
  MOE_CUDA_CHECK(cudaMemcpyAsync(pass.buffer(name).data, source.data,
                                 static_cast<std::size_t>(count) * 4, cudaMemcpyDeviceToDevice,
                                 pass.stream));
}

/// The scratch of the permutation begins with the chunk masks, which tell it who chose whom.
std::byte* permute_scratch(const Pass& pass) {
  return pass.arena.get<std::byte>("permute_scratch");
}

void choose_experts(const Pass& pass, float* logits) {
  const StepScope step(pass, "choose");
  const bool has_bias = pass.config.gate.selection_bias;
  const bool may_add = may_add_pairs(pass.config.rounding.rule);
  choose(pass.config,
         {.logits = logits,
          .logit_offsets = pass.inputs.logit_offsets.as<float>(),
          .b_select = has_bias ? pass.weights.b_select.as<float>() : nullptr,
          .chosen_experts = pass.arena.get<std::int32_t>("chosen_experts"),
          .chosen_scores = pass.arena.get<float>("chosen_scores"),
          .token_norms = pass.arena.get<float>("token_norms"),
          .chunk_masks = reinterpret_cast<std::uint32_t*>(permute_scratch(pass)),
          .tokens = pass.tokens,
          .best_logs = may_add ? pass.arena.get<float>("round_scratch") : nullptr},
         pass.stream);
}

void permute(const Pass& pass) {
  const StepScope step(pass, "permute");
  build_rows({.scratch = permute_scratch(pass),
              .chosen_experts = pass.arena.get<std::int32_t>("chosen_experts"),
              .chosen_scores = pass.arena.get<float>("chosen_scores"),
              .expert_offsets = pass.expert_offsets(),
              .row_tokens = pass.row_tokens(),
              .row_scores = pass.row_scores(),
              .token_offsets = pass.token_offsets(),
              .token_rows = pass.token_rows(),
              .tokens = pass.tokens,
              .num_experts = pass.num_experts(),
              .top_k = static_cast<int>(pass.config.top_k)},
             pass.stream);
}

void round_and_permute(const Pass& pass, const float* logits) {
  const Gate& gate = pass.config.gate;
  const PairScores scores{.logits = logits,
                          .norms = pass.arena.get<PairNorm>("token_norms"),
                          .num_experts = pass.num_experts(),
                          .scale = gate.scale,
                          .is_sigmoid = gate.kind == GateKind::sigmoid};
  {
    const StepScope step(pass, "round");
    round_masks({.scores = scores,
                 .rounding = pass.config.rounding,
                 .seed = pass.inputs.rounding_seed,
                 .permute_scratch = permute_scratch(pass),
                 .scratch = pass.arena.get<std::byte>("round_scratch"),
                 .tokens = pass.tokens},
                pass.stream);
  }
  const StepScope step(pass, "permute");
  build_ragged_rows({.scores = scores,
                     .scratch = permute_scratch(pass),
                     .expert_offsets = pass.expert_offsets(),
                     .row_tokens = pass.row_tokens(),
                     .row_scores = pass.row_scores(),
                     .token_offsets = pass.token_offsets(),
                     .token_rows = pass.token_rows(),
                     .tokens = pass.tokens},
                    pass.stream);
}

}  // namespace

void route(const Pass& pass, TensorView logits_copy) {
  float* logits = pass.arena.get<float>("logits");
  {
    const StepScope step(pass, "router_logits");
    compute_logits(pass, logits);
  }
  choose_experts(pass, logits);
  if (pass.config.rounding.rule == RoundingRule::none) {
    permute(pass);
  } else {
    round_and_permute(pass, logits);
  }
  if (logits_copy.empty()) return;
  MOE_CUDA_CHECK(cudaMemcpyAsync(
      logits_copy.data, logits,
      static_cast<std::size_t>(pass.tokens * pass.config.num_experts) * sizeof(float),
      cudaMemcpyDeviceToDevice, pass.stream));
}

void copy_given_routing(const Pass& pass) {
  const Routing& given = *pass.inputs.given;
  if (given.max_rows > pass.max_rows) {
    throw Error(ErrorKind::usage, "the given routing has more rows than the layer was planned for",
                std::to_string(given.max_rows) + " rows, Request::max_rows is " +
                    std::to_string(pass.max_rows));
  }
  copy_words(pass, "expert_offsets", given.expert_offsets, pass.config.num_experts + 1);
  copy_words(pass, "row_tokens", given.row_tokens, given.max_rows);
  copy_words(pass, "row_scores", given.row_scores, given.max_rows);
  copy_words(pass, "token_offsets", given.token_offsets, pass.tokens + 1);
  copy_words(pass, "token_rows", given.token_rows, given.max_rows);
}

const void* logit_gradients(const Pass& pass) {
  const StepScope step(pass, "d_router");
  const float* logits = nullptr;
  if (routing::backward_needs_logits(pass.config.gate)) {
    auto* again = pass.arena.get<float>("logits_again");
    const bool has_offsets = !pass.inputs.logit_offsets.empty();
    if (has_offsets) {
      copy_words(pass, "logits_again", pass.inputs.logit_offsets,
                 pass.tokens * pass.config.num_experts);
    }
    compute_logits(pass, again, has_offsets ? Accumulate::add : Accumulate::overwrite);
    logits = again;
  }
  const GateBackwardProblem problem = {
      .logits = logits,
      .chosen_experts = pass.arena.get<std::int32_t>("chosen_experts"),
      .chosen_scores = pass.arena.get<float>("chosen_scores"),
      .token_norms = routing::backward_needs_norms(pass.config.gate)
                         ? pass.arena.get<float>("token_norms")
                         : nullptr,
      .expert_offsets = pass.expert_offsets(),
      .token_offsets = pass.token_offsets(),
      .token_rows = pass.token_rows(),
      .row_scores = pass.row_scores(),
      .d_scores = pass.arena.get<float>("d_scores"),
      .tokens = pass.tokens};
  const TensorView typed = pass.buffer("d_logits_typed");
  if (typed.dtype == DType::f16) {
    gate_backward(pass.config, problem, typed.as<float16>(), pass.stream);
  } else {
    gate_backward(pass.config, problem, typed.as<bfloat16>(), pass.stream);
  }
  return typed.data;
}

void router_backward(const Pass& pass, const InputGradients& gradients) {
  const std::int64_t d = pass.config.hidden_dim, E = pass.config.num_experts;
  const void* d_logits =
      pass.sums_router_part ? pass.buffer("d_logits_typed").data : logit_gradients(pass);
  const StepScope step(pass, "d_router");
  if (!pass.sums_router_part) {
    pass.blas.gemm_rows({.a = {.data = d_logits, .stride = E},
                         .b = {.data = pass.weights.w_router.data, .stride = d},
                         .c = {.data = gradients.d_x.data, .stride = d},
                         .m = pass.tokens,
                         .n = d,
                         .k = E,
                         .in_dtype = pass.config.dtype,
                         .out_dtype = pass.config.dtype,
                         .accumulate = Accumulate::add});
  }
  if (!gradients.weights.b_router.empty()) {
    bias_gradient({.rows = d_logits,
                   .num_rows = pass.tokens,
                   .num_experts = 1,
                   .columns = pass.num_experts(),
                   .d_bias = gradients.weights.b_router.data,
                   .adds = gradients.accumulate == Accumulate::add,
                   .chunk_sums = pass.bias_chunk_sums(),
                   .dtype = pass.config.dtype},
                  pass.stream);
  }
  if (gradients.weights.w_router.empty()) return;
  pass.blas.gemm_rows({.a = {.data = d_logits, .stride = E, .transposed = true},
                       .b = {.data = pass.inputs.x.data, .stride = d},
                       .c = {.data = gradients.weights.w_router.data, .stride = d},
                       .m = E,
                       .n = d,
                       .k = pass.tokens,
                       .in_dtype = pass.config.dtype,
                       .out_dtype = pass.config.dtype,
                       .accumulate = gradients.accumulate});
}

}  // namespace moe::cuda
