// The dense bound: which products it runs, in which memory, and what its row says.
#include "measure/run/dense_bound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "measure/comparison.h"
#include "measure/problem/memory_need.h"
#include "model/layer/layer_cost.h"

namespace moe::measure {
namespace {

using testing::HasSubstr;

double flops(const std::vector<DenseProduct>& products, bool backward) {
  double sum = 0;
  for (const DenseProduct& p : products) {
    if (p.backward == backward)
      sum += 2.0 * static_cast<double>(p.shape.batch * p.shape.m * p.shape.n * p.shape.k);
  }
  return sum;
}

TEST(DenseProducts, HaveTheFlopsOfTheExperts) {
  for (const Activation activation : {Activation::swiglu, Activation::relu2}) {
    for (const std::int64_t shared : {0, 40}) {
      LayerConfig config = tests::layer(32, 24, 8, 2);
      config.activation = activation;
      config.shared.ffn_dim = shared;
      const auto products = dense_products(config, 96, 192, true);
      const model::LayerFlops want = model::layer_flops(config, 96, dense_pairs(config, 192));
      EXPECT_EQ(dense_pairs(config, 192), 192);
      EXPECT_DOUBLE_EQ(flops(products, false), want.forward);
      EXPECT_DOUBLE_EQ(flops(products, true), want.backward);
      EXPECT_EQ(dense_products(config, 96, 192, false).size(), shared > 0 ? 4u : 2u);
    }
  }
}

TEST(DenseProducts, RowsAreBalancedUpwards) {
  const LayerConfig config = tests::layer(32, 24, 8, 2);
  EXPECT_EQ(dense_pairs(config, 194), 8 * 25);
  EXPECT_EQ(dense_products(config, 97, 194, false)[0].shape.m, 25);
  EXPECT_EQ(dense_pairs(config, 2), 8);
}

TEST(DenseProducts, TheLargestRowsFitIntoTheRegion) {
  const LayerConfig config = tests::layer(32, 24, 8, 2);
  DeviceTraits traits;
  traits.gemm_scratch_bytes = 4096;
  // up: X [192, 32] and H [192, 48] in float32, each rounded up to 1 KiB
  EXPECT_EQ(dense_region_bytes(config, 96, 192, true, traits), 192u * 32 * 4 + 192 * 48 * 4 + 4096);
}

Comparison with_dense_bound() {
  Comparison comparison;
  comparison.device.pretends_batched_products = true;
  comparison.request.variants = {"vanilla", "sonic+rounding", "dense_bound"};
  return comparison;
}

TEST(DenseBoundRow, IsMeasuredBesideTheOthersAndMarked) {
  Comparison comparison = with_dense_bound();
  EXPECT_TRUE(comparison.execute());
  const record::Row& bound = comparison.row("dense_bound");
  EXPECT_EQ(bound.status, record::Status::ok);
  EXPECT_TRUE(bound.reference);
  EXPECT_TRUE(bound.checks.empty());
  EXPECT_FALSE(bound.load.has_value());
  EXPECT_FALSE(bound.speedup.has_value());
  EXPECT_FALSE(bound.tokens_per_s.has_value());
  EXPECT_EQ(bound.total->samples_s.size(), 3u);
  EXPECT_EQ(bound.executed_pairs, 192);
  EXPECT_EQ(comparison.device.products, 6 * (1 + 3));
  EXPECT_DOUBLE_EQ(*bound.flops_per_s, 18.0 * 192 * 32 * 24 / bound.total->median_s);
  EXPECT_EQ(bound.dense_bound_fraction->total, 1.0);
}

TEST(DenseBoundRow, EveryRowGetsItsShareOfIt) {
  Comparison comparison = with_dense_bound();
  EXPECT_TRUE(comparison.execute());
  const record::Row& bound = comparison.row("dense_bound");
  for (const record::Row& row : comparison.run.rows) {
    SCOPED_TRACE(row.variant);
    const double pairs = static_cast<double>(row.credited_pairs) / 192;
    EXPECT_DOUBLE_EQ(row.dense_bound_fraction->forward,
                     pairs * bound.forward->median_s / row.forward->median_s);
    EXPECT_DOUBLE_EQ(*row.dense_bound_fraction->backward,
                     pairs * bound.backward->median_s / row.backward->median_s);
    EXPECT_DOUBLE_EQ(*row.dense_bound_fraction->total,
                     pairs * bound.total->median_s / row.total->median_s);
    EXPECT_DOUBLE_EQ(*row.dense_bound_flops_per_s->total, *bound.flops_per_s);
  }
}

TEST(DenseBoundRow, ForwardAloneRunsTwoProducts) {
  Comparison comparison = with_dense_bound();
  comparison.request.backward = false;
  EXPECT_TRUE(comparison.execute());
  EXPECT_EQ(comparison.device.products, 2 * (1 + 3));
  const record::Row& row = comparison.row("vanilla");
  EXPECT_FALSE(row.dense_bound_fraction->backward.has_value());
  EXPECT_TRUE(row.dense_bound_fraction->total.has_value());
}

TEST(DenseBoundRow, NeedsNoMemoryBeyondThatOfTheOthers) {
  Comparison alone;
  alone.request.variants = {"vanilla"};
  alone.execute();
  Comparison both;
  both.device.pretends_batched_products = true;
  both.request.variants = {"vanilla", "dense_bound"};
  both.execute();
  const std::int64_t more = std::max<std::int64_t>(
      0, both.row("dense_bound").bytes.peak - both.row("vanilla").bytes.peak);
  EXPECT_EQ(both.device.most_allocated_bytes, alone.device.most_allocated_bytes + more);
  EXPECT_EQ(both.device.allocated_bytes, 0u);
}

TEST(DenseBoundRow, IsSkippedWithoutALibraryForIt) {
  Comparison comparison;
  comparison.request.variants = {"vanilla", "dense_bound"};
  EXPECT_TRUE(comparison.execute());
  EXPECT_EQ(comparison.row("dense_bound").status, record::Status::skipped);
  EXPECT_THAT(comparison.row("dense_bound").reason, HasSubstr("needs a GPU"));
  EXPECT_FALSE(comparison.row("vanilla").dense_bound_fraction.has_value());
}

TEST(DenseBoundRow, TooLittleMemorySkipsItWithTheLargestSize) {
  Comparison comparison = with_dense_bound();
  comparison.request.variants = {"dense_bound"};
  const LayerConfig& layer = comparison.request.model.layer;
  const std::int64_t need =
      shared_tensor_bytes(layer, 96, true) + static_cast<std::int64_t>(dense_region_bytes(
                                                 layer, 96, 192, true, comparison.device.traits()));
  comparison.device.pretended_free_bytes = static_cast<std::size_t>(need);  // 97 % of it is used
  EXPECT_TRUE(comparison.execute());
  EXPECT_EQ(comparison.row("dense_bound").status, record::Status::skipped);
  EXPECT_THAT(comparison.row("dense_bound").reason, HasSubstr("out of memory"));
}

}  // namespace
}  // namespace moe::measure
