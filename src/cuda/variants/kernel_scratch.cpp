// Which scratch a request needs: sizes from the contracts of the kernels that the variant calls.
#include "cuda/variants/kernel_scratch.h"

#include <algorithm>
#include <vector>

#include "cuda/kernels/bias/bias_gradient.h"
#include "cuda/kernels/gemm/d_act.h"
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/select_tile.h"
#include "cuda/kernels/permute/build_rows.h"
#include "cuda/kernels/round/round.h"
#include "cuda/variants/expert_products.h"
#include "cuda/variants/layer.h"
#include "cuda/variants/sonic.h"

namespace moe::cuda {
namespace {

/// A product by rows: how many, columns of the result, reduction.
struct RowsProduct {
  std::int64_t rows, n, k;
};

/// Of few tokens the shared expert is its weights, read once: a tile of our own products per
/// multiprocessor is too few, and cuBLAS cuts the reduction. (deepseek-v3, one token, H200: 85 us.)
constexpr std::int64_t kFewTokens = 256;
bool shared_is_dense(const Request& request) {
  return !request.training && request.max_tokens <= kFewTokens;
}

/// The shared expert's, in every Hopper variant.
std::vector<RowsProduct> shared_products(const Request& request) {
  const std::int64_t T = request.max_tokens, d = request.config.hidden_dim;
  std::vector<RowsProduct> products;
  if (request.config.shared.ffn_dim == 0 || shared_is_dense(request)) return products;
  products.push_back({T, d, request.config.shared.ffn_dim});
  if (request.training) products.push_back({T, d, request.config.shared_up_dim()});
  return products;
}

std::vector<RowsProduct> sonic_products(const Request& request) {
  const std::int64_t rows = expected_rows(request), d = request.config.hidden_dim;
  std::vector<RowsProduct> products = shared_products(request);
  products.push_back({rows, d, request.config.ffn_dim});
  if (request.training) products.push_back({rows, d, request.config.up_dim()});
  return products;
}

/// Those of `sonic`, and both that it does in kernels of its own.
std::vector<RowsProduct> grouped_gemm_products(const Request& request) {
  const std::int64_t rows = expected_rows(request), d = request.config.hidden_dim;
  std::vector<RowsProduct> products = sonic_products(request);
  products.push_back({rows, request.config.up_dim(), d});
  if (request.training) products.push_back({rows, request.config.ffn_dim, d});
  return products;
}

/// None where no product selects a streamed tile.
std::size_t stream_bytes(const std::vector<RowsProduct>& products, const DeviceTraits& traits) {
  const bool any = std::any_of(products.begin(), products.end(), [&](const RowsProduct& p) {
    return select_rows_tile(p.rows, static_cast<int>(p.n), static_cast<int>(p.k),
                            Card{traits.num_cores})
               .tile == GroupedTile::m128n256_streamed;
  });
  return any ? stream_scratch_bytes(traits.num_cores) : 0;
}

plan::KernelScratch hopper_scratch(const Request& request, const DeviceTraits& traits) {
  plan::KernelScratch scratch = any_gpu_scratch(request, traits);
  scratch.d_score_columns = kDScoreColumns;
  if (!shared_is_dense(request)) scratch.shared = plan::SharedScheme::routed;
  scratch.gemm_turns = true;
  return scratch;
}

}  // namespace

plan::KernelScratch any_gpu_scratch(const Request& request, const DeviceTraits&) {
  plan::KernelScratch scratch;
  scratch.permute_bytes = permute_scratch_bytes(request.max_tokens, request.config.num_experts);
  scratch.round_bytes = round_scratch_bytes(request.max_tokens, request.config.num_experts);
  scratch.shared = plan::SharedScheme::stepwise;
  scratch.rounds_d_logits = true;
  scratch.bias_chunks = kBiasChunks;
  return scratch;
}

plan::KernelScratch grouped_gemm_scratch(const Request& request, const DeviceTraits& traits) {
  plan::KernelScratch scratch = hopper_scratch(request, traits);
  scratch.stream_bytes = stream_bytes(grouped_gemm_products(request), traits);
  scratch.sums_router_part = sums_router_part(request.config);
  return scratch;
}

plan::KernelScratch sonic_scratch(const Request& request, const DeviceTraits& traits) {
  plan::KernelScratch scratch = hopper_scratch(request, traits);
  scratch.stream_bytes = stream_bytes(sonic_products(request), traits);
  scratch.sums_router_part = sums_router_part(request.config);
  scratch.gathers_again = gathers_again(request.config);
  return scratch;
}

}  // namespace moe::cuda
