// Choices of tiles that need no GPU to be looked at.
#include "cuda/kernels/gemm/select_tile.h"

#include <gtest/gtest.h>

#include "cuda/variants/expert_products.h"

namespace moe::cuda {
namespace {

constexpr Card kFast{132, true}, kSlow{132, false};
constexpr std::int64_t kManyRows = 1 << 18;

/// Long reductions keep in step where memory is slow, and then CTAs do not pair.
TEST(SelectTile, KeepsLongReductionsInStepOnSlowMemory) {
  for (const int d : {4096, 7168}) {
    EXPECT_TRUE(select_up_proj_tile(d, kSlow).in_step) << d;
    EXPECT_EQ(select_up_proj_tile(d, kSlow).tile, UpProjTile::n128) << d;
    EXPECT_TRUE(select_d_act_tile(d, kSlow).in_step) << d;
    EXPECT_TRUE(select_rows_tile(kManyRows, 4096, d, kSlow).in_step) << d;
    EXPECT_FALSE(select_d_act_tile(d, kFast).in_step) << d;
    EXPECT_FALSE(select_rows_tile(kManyRows, 4096, d, kFast).in_step) << d;
  }
  EXPECT_FALSE(select_up_proj_tile(4096, kFast).in_step);
  EXPECT_TRUE(select_up_proj_tile(7168, kFast).in_step);
  EXPECT_FALSE(select_rows_tile(kManyRows, 4096, 2048, kSlow).in_step);
}

/// CTAs share loads unless there is nothing to share, or stores are all that takes time.
TEST(SelectTile, PairsButForShortReductionsAndNarrowGradients) {
  EXPECT_EQ(select_rows_tile(kManyRows, 4096, 256, kSlow).tile, GroupedTile::m128n256);
  for (const int k : {512, 1024, 2048})
    EXPECT_EQ(select_rows_tile(kManyRows, 4096, k, kSlow).tile, GroupedTile::m128n256_pair) << k;
  for (const int d : {768, 1536, 2048}) {
    EXPECT_EQ(select_up_proj_tile(d, kSlow).tile, UpProjTile::n128_pair) << d;
    EXPECT_EQ(select_d_act_tile(d, kSlow).tile, DActTile::n256_pair) << d;
  }
  EXPECT_EQ(select_gradient_tile(4096, 256), GroupedTile::m128n256);
  EXPECT_EQ(select_gradient_tile(1536, 512), GroupedTile::m128n256);
  EXPECT_EQ(select_gradient_tile(1024, 8192), GroupedTile::m128n256);
  EXPECT_EQ(select_gradient_tile(4096, 512), GroupedTile::m128n256_pair);
}

/// A plan has scratch for streamed tiles by its sizes alone, so the memory's speed may not choose
/// them.
TEST(SelectTile, StreamsOnEveryCardAlike) {
  for (const int k : {256, 1024, 4096, 8192}) {
    for (const std::int64_t rows : {std::int64_t{1}, std::int64_t{8192}, kManyRows}) {
      const bool streams =
          select_rows_tile(rows, 1024, k, kFast).tile == GroupedTile::m128n256_streamed;
      EXPECT_EQ(select_rows_tile(rows, 1024, k, kSlow).tile == GroupedTile::m128n256_streamed,
                streams)
          << k << ", " << rows;
      EXPECT_EQ(streams, k >= 1024 && rows < kManyRows) << k << ", " << rows;
    }
  }
}

/// A plan has scratch for streamed tiles, whatever the type, and for no others.
TEST(SelectTile, Float16StreamsWhatBfloat16StreamsAndPairsTheRest) {
  for (const GroupedTile tile :
       {GroupedTile::m128n256, GroupedTile::m128n256_pair, GroupedTile::m128n192,
        GroupedTile::m128n128_pair, GroupedTile::m128n128_ping_pong})
    EXPECT_EQ(nearest_fp16_tile(tile), GroupedTile::m128n256_pair);
  EXPECT_EQ(nearest_fp16_tile(GroupedTile::m128n256_streamed), GroupedTile::m128n256_streamed);
}

TEST(SelectTile, TheRoutersPartGoesAlongWhereItsTermsAreFew) {
  LayerConfig config;
  config.num_experts = 128;
  config.top_k = 8;
  config.gate = {.kind = GateKind::topk_softmax};
  EXPECT_TRUE(sums_router_part(config));
  config.top_k = 22;
  EXPECT_FALSE(sums_router_part(config));
  config.top_k = 8;
  config.gate = {.kind = GateKind::softmax_topk, .renormalize = false};
  EXPECT_FALSE(sums_router_part(config)) << "every expert has a gradient";
  config.gate.renormalize = true;
  EXPECT_TRUE(sums_router_part(config));
}

}  // namespace
}  // namespace moe::cuda
