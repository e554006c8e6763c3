// Shapes of the products, and their turn on the clock.
#include "measure/run/dense_bound.h"

#include <algorithm>

#include "core/random.h"

namespace moe::measure {
namespace {

constexpr float kRowDeviation = 0.2f;  // as of x and d_out
constexpr std::size_t kAlignment = 1024;
constexpr std::uint64_t kSeed = 1;

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::size_t operand_bytes(const BatchedProduct& p, std::int64_t rows, std::int64_t columns) {
  return aligned(static_cast<std::size_t>(p.batch * rows * columns) * size_of(p.dtype));
}

/// A [m, k], B [k, n] and C [m, n] of the product, in bytes; 0 where it is a weight or a gradient.
struct RowBytes {
  std::size_t a, b, c;
  explicit RowBytes(const DenseProduct& p)
      : a(operand_bytes(p.shape, p.shape.m, p.shape.k)),
        b(p.b == DenseOperand::rows ? operand_bytes(p.shape, p.shape.k, p.shape.n) : 0),
        c(p.c == DenseOperand::rows ? operand_bytes(p.shape, p.shape.m, p.shape.n) : 0) {}
  std::size_t sum() const { return a + b + c; }
};

/// The products of `batch` MLPs with m rows each: d in, n hidden, u = 2n or n of pre-activation.
void add_mlp(std::vector<DenseProduct>& products, DType dtype, std::int64_t batch, std::int64_t m,
             std::int64_t d, std::int64_t n, std::int64_t u, bool shared, bool backward) {
  const auto rows_by_weight = [&](std::int64_t n_out, std::int64_t k, bool transposed, bool down,
                                  bool in_backward) {
    DenseProduct p{.b = DenseOperand::weight, .shared = shared, .down = down};
    p.backward = in_backward;
    p.shape = {.batch = batch, .m = m, .n = n_out, .k = k, .dtype = dtype};
    p.shape.transposed_b = transposed;
    products.push_back(p);
  };
  const auto weight_gradient = [&](std::int64_t rows, std::int64_t columns, bool down) {
    DenseProduct p{.c = DenseOperand::gradient, .shared = shared, .down = down, .backward = true};
    p.shape = {.batch = batch, .m = rows, .n = columns, .k = m, .dtype = dtype};
    p.shape.transposed_a = true;
    products.push_back(p);
  };
  rows_by_weight(u, d, true, false, false);  // H = X w_up^T
  rows_by_weight(d, n, true, true, false);   // Y = A w_down^T
  if (!backward) return;
  rows_by_weight(n, d, false, true, true);   // dA = dY w_down
  rows_by_weight(d, u, false, false, true);  // dX = dH w_up
  weight_gradient(d, n, true);               // dY^T A
  weight_gradient(u, d, false);              // dH^T X
}

std::int64_t rows_per_expert(const LayerConfig& config, std::int64_t pairs) {
  return (pairs + config.num_experts - 1) / config.num_experts;
}

}  // namespace

std::vector<DenseProduct> dense_products(const LayerConfig& config, std::int64_t tokens,
                                         std::int64_t pairs, bool backward) {
  std::vector<DenseProduct> products;
  add_mlp(products, config.dtype, config.num_experts, rows_per_expert(config, pairs),
          config.hidden_dim, config.ffn_dim, config.up_dim(), false, backward);
  if (config.shared.ffn_dim > 0) {
    add_mlp(products, config.dtype, 1, tokens, config.hidden_dim, config.shared.ffn_dim,
            config.shared_up_dim(), true, backward);
  }
  return products;
}

std::int64_t dense_pairs(const LayerConfig& config, std::int64_t pairs) {
  return config.num_experts * rows_per_expert(config, pairs);
}

std::size_t dense_region_bytes(const LayerConfig& config, std::int64_t tokens, std::int64_t pairs,
                               bool backward, const DeviceTraits& traits) {
  std::size_t most = 0;
  for (const DenseProduct& product : dense_products(config, tokens, pairs, backward)) {
    most = std::max(most, RowBytes(product).sum());
  }
  return most + aligned(traits.gemm_scratch_bytes);
}

DenseBound::DenseBound(Device& device, const LayerConfig& config, std::int64_t tokens,
                       std::int64_t pairs, bool backward, const Problem& problem,
                       const Workbench& workbench)
    : device_(device),
      products_(dense_products(config, tokens, pairs, backward)),
      problem_(problem),
      workbench_(workbench) {}

BatchedProduct DenseBound::place(const DenseProduct& product) {
  const auto matrix = [&](const Weights& weights) {
    if (product.shared) return product.down ? weights.w_shared_down : weights.w_shared_up;
    return product.down ? weights.w_down : weights.w_up;
  };
  const RowBytes bytes(product);
  std::byte* const region = workbench_.regions().data;
  BatchedProduct placed = product.shape;
  const auto fill = [&](std::byte* place, std::int64_t rows, std::int64_t columns,
                        std::uint64_t seed) {
    device_.fill_normal({place, placed.dtype, {placed.batch, rows, columns}}, seed,
                        static_cast<std::uint32_t>(RandomStream::x), kRowDeviation);
  };
  placed.a = region;
  fill(region, placed.m, placed.k, kSeed);
  placed.b = region + bytes.a;
  if (product.b == DenseOperand::rows) {
    fill(region + bytes.a, placed.k, placed.n, kSeed + 1);
  } else {
    placed.b = matrix(problem_.weights()).data;
  }
  placed.c = region + bytes.a + bytes.b;
  if (product.c == DenseOperand::gradient) {
    placed.c = matrix(workbench_.gradients(false).weights).data;
  }
  placed.scratch = {region + bytes.sum(), device_.traits().gemm_scratch_bytes};
  return placed;
}

std::vector<PassSeconds> DenseBound::run(const TurnPace& pace) {
  std::vector<PassSeconds> samples(static_cast<std::size_t>(pace.samples));
  for (const DenseProduct& product : products_) {
    const BatchedProduct placed = place(product);
    const auto multiply = [&] { device_.multiply(placed); };
    settle(device_, pace.settle_s, multiply);
    for (PassSeconds& sample : samples) {
      (product.backward ? sample.backward : sample.forward) += device_.time(multiply);
    }
  }
  return samples;
}

}  // namespace moe::measure
