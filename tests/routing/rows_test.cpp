// Rows of a choice and their inverse, against hand-written and naive ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>

#include "routing/routed.h"

namespace moe::routing {
namespace {

using testing::ElementsAre;

struct TokenRows {
  std::vector<std::int32_t> offsets, rows;
};

TokenRows inverse(const RowArrays& rows, std::int64_t tokens) {
  TokenRows result{std::vector<std::int32_t>(tokens + 1, -1),
                   std::vector<std::int32_t>(rows.offsets.back(), -1)};
  build_token_rows(rows.offsets.data(), rows.tokens.data(), std::ssize(rows.offsets) - 1, tokens,
                   result.offsets.data(), result.rows.data());
  return result;
}

TEST(Rows, OfAHandWrittenChoice) {
  // Token 0 chose 3 then 0, token 1 chose 0 then 1, token 2 chose 3 then 1; nobody chose 2.
  const std::vector<std::int32_t> experts = {3, 0, 0, 1, 3, 1};
  const std::vector<float> scores = {.3f, .0f, .10f, .11f, .23f, .21f};
  RowArrays rows(4, 6);
  build_rows(layer(4, 2), experts.data(), scores.data(), 3, rows.view());
  EXPECT_THAT(rows.offsets, ElementsAre(0, 2, 4, 4, 6));
  EXPECT_THAT(rows.tokens, ElementsAre(0, 1, 1, 2, 0, 2));
  EXPECT_THAT(rows.scores, ElementsAre(.0f, .10f, .11f, .21f, .3f, .23f));

  const TokenRows tokens = inverse(rows, 3);
  EXPECT_THAT(tokens.offsets, ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(tokens.rows, ElementsAre(0, 4, 1, 2, 3, 5));
}

TEST(Rows, HoldEveryChosenPairOnce) {
  for (auto [tokens, num_experts, top_k] : {std::array{1, 1, 1}, std::array{1, 9, 9},
                                            std::array{257, 16, 3}, std::array{40, 300, 22}}) {
    const LayerConfig config = layer(num_experts, top_k);
    const Choice choice = choose(config, seeded(tokens * num_experts, 31));
    const RowArrays rows = rows_of(config, choice);
    ASSERT_EQ(rows.offsets.front(), 0);
    ASSERT_EQ(rows.offsets.back(), tokens * top_k);
    for (int e = 0; e < num_experts; ++e) {
      const auto begin = rows.tokens.begin() + rows.offsets[e];
      const auto end = rows.tokens.begin() + rows.offsets[e + 1];
      EXPECT_TRUE(std::is_sorted(begin, end, std::less_equal<>())) << "expert " << e;
    }
    for (std::int64_t pair = 0; pair < tokens * top_k; ++pair) {
      const int e = choice.experts[pair];
      const auto end = rows.tokens.begin() + rows.offsets[e + 1];
      const auto found = std::find(rows.tokens.begin() + rows.offsets[e], end, pair / top_k);
      ASSERT_NE(found, end);
      EXPECT_EQ(rows.scores[found - rows.tokens.begin()], choice.scores[pair]);
    }
  }
}

TEST(Rows, OfOneExpertThatTakesAll) {
  const LayerConfig config = layer(3, 1);
  const std::vector<std::int32_t> experts = {1, 1, 1, 1};
  const std::vector<float> scores = {1, 2, 3, 4};
  RowArrays rows(3, 4);
  build_rows(config, experts.data(), scores.data(), 4, rows.view());
  EXPECT_THAT(rows.offsets, ElementsAre(0, 0, 4, 4));
  EXPECT_THAT(rows.tokens, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(rows.scores, ElementsAre(1, 2, 3, 4));
}

TEST(TokenRows, OfRaggedTokens) {
  // Expert 0: tokens 0 and 4; expert 1: none; expert 2: tokens 0, 1 and 4. Tokens 2 and 3 have
  // none.
  RowArrays rows(3, 5);
  rows.offsets = {0, 2, 2, 5};
  rows.tokens = {0, 4, 0, 1, 4};
  const TokenRows tokens = inverse(rows, 5);
  EXPECT_THAT(tokens.offsets, ElementsAre(0, 2, 3, 3, 3, 5));
  EXPECT_THAT(tokens.rows, ElementsAre(0, 2, 3, 1, 4));
}

TEST(TokenRows, OfNoRows) {
  RowArrays rows(2, 0);
  const TokenRows tokens = inverse(rows, 3);
  EXPECT_THAT(tokens.offsets, ElementsAre(0, 0, 0, 0));
}

TEST(TokenRows, AreTheInverse) {
  const LayerConfig config = layer(16, 3);
  const RowArrays rows = rows_of(config, choose(config, seeded(100 * 16, 32)));
  const TokenRows tokens = inverse(rows, 100);
  for (std::int32_t t = 0; t < 100; ++t) {
    ASSERT_EQ(tokens.offsets[t + 1] - tokens.offsets[t], 3);
    for (std::int32_t i = tokens.offsets[t]; i < tokens.offsets[t + 1]; ++i) {
      EXPECT_EQ(rows.tokens[tokens.rows[i]], t);
      if (i == tokens.offsets[t]) continue;
      EXPECT_LT(tokens.rows[i - 1], tokens.rows[i]);
    }
  }
}

}  // namespace
}  // namespace moe::routing
