// Products by rows and over rows, and the last sum of dX.
#include "cuda/variants/expert_products.h"

#include "cuda/kernels/aggregate/sum_token_rows.h"
#include "cuda/kernels/gemm/select_tile.h"
#include "cuda/variants/router.h"
#include "routing/gate.h"

namespace moe::cuda {

void multiply(const Pass& pass, TensorView a, TensorView w, WeightLayout layout, int n, int k,
              TensorView c, TensorView bias, bool interleaved) {
  const auto choice = select_rows_tile(pass.expected_rows, n, k, pass.card);
  multiply_rows({.a = a.data,
                 .b = w.data,
                 .c = c.data,
                 .expert_offsets = pass.expert_offsets(),
                 .rows = pass.max_rows,
                 .num_experts = pass.num_experts(),
                 .n = n,
                 .k = k,
                 .turns = pass.turns(choice.in_step),
                 .bias = bias.data,
                 .stream_scratch = pass.stream_scratch(),
                 .interleaved = interleaved,
                 .dtype = pass.config.dtype},
                layout, choice.tile, pass.card.num_multiprocessors, pass.stream);
}

void multiply_transposed(const Pass& pass, TensorView a, TensorView b, int m, int n, TensorView d_w,
                         Accumulate accumulate) {
  if (d_w.empty()) return;
  weight_gradient({.a = a.data,
                   .b = b.data,
                   .c = d_w.data,
                   .expert_offsets = pass.expert_offsets(),
                   .row_tokens = nullptr,
                   .num_experts = pass.num_experts(),
                   .m = m,
                   .n = n,
                   .transposed = false,
                   .adds = accumulate == Accumulate::add,
                   .dtype = pass.config.dtype},
                  select_gradient_tile(pass.hidden_dim(), n), pass.card.num_multiprocessors,
                  pass.stream);
}

bool sums_router_part(const LayerConfig& config) {
  // The sum takes 8 to 14 % longer with 4 to 16 rows of w_router a token, less than the product
  // takes, and 20 % with 22, as much as that (H100).
  constexpr std::int64_t kMostTerms = 16;
  return !routing::backward_needs_logits(config.gate) && config.top_k <= kMostTerms;
}

void sum_input_gradient(const Pass& pass, TensorView d_x_rows, TensorView d_x) {
  RouterPart router = {};
  if (pass.sums_router_part) {
    router = {logit_gradients(pass), pass.weights.w_router.data, pass.num_experts()};
  }
  const StepScope step(pass, "d_aggregate");
  sum_token_rows({d_x_rows.data, nullptr, pass.token_offsets(), pass.token_rows(), nullptr,
                  d_x.data, pass.config.dtype, pass.tokens, pass.hidden_dim(), router},
                 pass.stream);
}

}  // namespace moe::cuda
