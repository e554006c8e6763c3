// The share of one expert-parallel rank: together the ranks have every pair once, and a share runs
// and is verified like any layer.
#include "measure/problem/ep_share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "measure/comparison.h"

namespace moe::measure {
namespace {

using testing::HasSubstr;

LayerConfig global_layer() {
  LayerConfig config = tests::layer(32, 24, 8, 3);
  config.gate = {.kind = GateKind::sigmoid, .selection_bias = true};
  config.shared.ffn_dim = 16;
  return config;
}

TEST(EpShare, TheRanksTogetherHaveEveryPairOnce) {
  for (const char* traffic : {"natural", "balanced", "zipf:1"}) {
    std::int64_t pairs = 0;
    for (std::int64_t rank = 1; rank <= 4; ++rank) {
      const EpShare share =
          ep_share(global_layer(), 100, routing::parse_traffic(traffic), 5, rank, 4);
      EXPECT_EQ(share.layer.num_experts, 2);
      EXPECT_EQ(share.layer.shared.ffn_dim, 0);
      EXPECT_EQ(share.rows.expert_offsets.size(), 3u);
      EXPECT_EQ(share.rows.expert_offsets.front(), 0);
      EXPECT_EQ(share.rows.expert_offsets.back(), share.rows.max_rows);
      pairs += share.rows.max_rows;
    }
    EXPECT_EQ(pairs, 300) << traffic;
  }
}

TEST(EpShare, KeepsTokensWithAPairAndNumbersThemFromZero) {
  const EpShare share = ep_share(global_layer(), 100, {}, 5, 2, 4);
  const std::set<std::int32_t> used(share.rows.row_tokens.begin(), share.rows.row_tokens.end());
  EXPECT_EQ(static_cast<std::int64_t>(used.size()), share.tokens);
  EXPECT_EQ(*used.begin(), 0);
  EXPECT_EQ(*used.rbegin(), share.tokens - 1);
  EXPECT_LT(share.tokens, 100);
  for (std::int64_t t = 0; t < share.tokens; ++t)
    EXPECT_LT(share.rows.token_offsets[t], share.rows.token_offsets[t + 1]) << "token " << t;
}

TEST(EpShare, ARankIsOneOfEqualShares) {
  for (const char* text : {"0/8", "9/8", "1/3", "1/0"}) {
    std::int64_t rank = 0, ranks = 0;
    parse_ep_rank(text, rank, ranks);
    EXPECT_THROW(ep_share(global_layer(), 100, {}, 5, rank, ranks), Error) << text;
  }
  std::int64_t rank = 0, ranks = 0;
  for (const char* text : {"", "1", "1/", "/8", "a/8", "1/8/2", "-1/8", "1/8 "})
    EXPECT_THROW(parse_ep_rank(text, rank, ranks), Error) << text;
  parse_ep_rank("3/8", rank, ranks);
  EXPECT_EQ(rank, 3);
  EXPECT_EQ(ranks, 8);
}

Comparison one_rank() {
  Comparison comparison;
  comparison.device.pretends_batched_products = true;
  comparison.request.variants = {"vanilla", "grouped_gemm", "sonic", "sonic+rounding",
                                 "dense_bound"};
  measure_one_rank("2/4", comparison.request);
  return comparison;
}

TEST(EpShare, RowsAreVerifiedAndTimed) {
  Comparison comparison = one_rank();
  EXPECT_TRUE(comparison.execute());
  const std::int64_t rows = comparison.request.ep_share->rows.max_rows;
  for (const char* variant : {"vanilla", "grouped_gemm", "sonic"}) {
    const record::Row& row = comparison.row(variant);
    ASSERT_EQ(row.status, record::Status::ok) << row.reason;
    EXPECT_EQ(row.executed_pairs, rows);
    EXPECT_EQ(row.credited_pairs, rows);
    EXPECT_TRUE(std::any_of(row.checks.begin(), row.checks.end(), [](const record::Check& check) {
      return check.what == "d_scores" && check.passed;
    }));
    EXPECT_EQ(row.load->used_experts, 2);
    EXPECT_EQ(row.load->utilization, row.load->utilization_before);
  }
  EXPECT_EQ(comparison.row("sonic+rounding").status, record::Status::skipped);
  EXPECT_EQ(comparison.row("dense_bound").executed_pairs, (rows + 1) / 2 * 2);
  EXPECT_DOUBLE_EQ(comparison.run.flops_per_pass, 18.0 * rows * 32 * 24);
  EXPECT_EQ(comparison.run.ep_rank->rank, 2);
  EXPECT_EQ(comparison.run.ep_rank->num_experts, 8);
  EXPECT_EQ(comparison.run.ep_rank->tokens, 96);
}

}  // namespace
}  // namespace moe::measure
