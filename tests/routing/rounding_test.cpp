// Token rounding against full sorts of every expert's column, and its promises one by one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include "moe/error.h"
#include "routing/routed.h"

namespace moe::routing {
namespace {

constexpr RoundingRule kRules[] = {RoundingRule::nearest,
                                   RoundingRule::up,
                                   RoundingRule::down,
                                   RoundingRule::stochastic,
                                   RoundingRule::stochastic_score,
                                   RoundingRule::balance};
constexpr std::uint64_t kSeed = 77;

LayerConfig rounded(LayerConfig config, RoundingRule rule, std::int64_t tile) {
  config.rounding = {rule, tile};
  return config;
}

RowArrays rounded_rows(const LayerConfig& config, const std::vector<float>& logits,
                       const Choice& choice, int scratch_threads) {
  const std::int64_t tokens = std::ssize(choice.norms);
  std::vector<std::uint64_t> scratch(rounding_scratch_bytes(tokens, scratch_threads) / 8);
  RowArrays rows(config.num_experts, max_routed_rows(config, tokens));  // and not one entry more
  build_rounded_rows(config, logits.data(), choice.experts.data(), choice.scores.data(),
                     choice.norms.data(), tokens, reinterpret_cast<std::byte*>(scratch.data()),
                     scratch.size() * 8, rows.view(), kSeed);
  rows.trim();
  return rows;
}

struct Pair {
  bool is_chosen;
  float score;
  std::int32_t token;
};

/// All pairs of one expert, best first.
std::vector<Pair> ranked_column(const LayerConfig& config, const std::vector<float>& logits,
                                const Choice& choice, std::int64_t expert) {
  std::vector<Pair> column;
  for (std::int32_t t = 0; t < std::ssize(choice.norms); ++t) {
    const float logit = logits[t * config.num_experts + expert];
    Pair pair{false, pair_score(config, logit, choice.norms[t]), t};
    for (std::int64_t k = 0; k < config.top_k; ++k) {
      if (choice.experts[t * config.top_k + k] == expert) pair.is_chosen = true;
    }
    column.push_back(pair);
  }
  std::sort(column.begin(), column.end(), [](const Pair& a, const Pair& b) {
    return std::tuple(!a.is_chosen, -a.score, a.token) <
           std::tuple(!b.is_chosen, -b.score, b.token);
  });
  return column;
}

/// Written in floating point, apart from the arithmetic under test. `residual`: rows more than
/// before in the experts so far. What scores decide is taken from `got`, once it is a multiple next
/// to the count; tests of the truth and the layer compare that decision.
std::int64_t naive_count(const Rounding& rounding, std::int64_t count, std::int64_t tokens,
                         std::int64_t expert, double residual, std::int64_t got) {
  const auto tile = static_cast<double>(rounding.tile);
  const double tiles = static_cast<double>(count) / tile, floor = std::floor(tiles);
  const double drawn = philox(kSeed, RandomStream::rounding, expert).word[0] / 4294967296.0 * tile;
  double whole = floor;
  if (rounding.rule == RoundingRule::up) whole = std::ceil(tiles);
  if (rounding.rule == RoundingRule::nearest) whole = std::ceil(tiles - 0.5);  // a half goes down
  if (rounding.rule == RoundingRule::stochastic) {
    whole = std::floor(drawn) < static_cast<double>(count) - floor * tile ? floor + 1 : floor;
  }
  if (rounding.rule == RoundingRule::balance) {
    whole = std::ceil((static_cast<double>(count) - residual) / tile - 0.5);
    whole = std::clamp(whole, floor, std::ceil(tiles));
  }
  if (rounding.rule == RoundingRule::stochastic_score) {
    whole = static_cast<double>(got) > floor * tile ? std::ceil(tiles) : floor;
  }
  if (whole * tile > static_cast<double>(tokens)) whole = floor;
  return static_cast<std::int64_t>(whole * tile);
}

void expect_naive(const LayerConfig& config, const std::vector<float>& logits,
                  const Choice& choice) {
  const std::int64_t tokens = std::ssize(choice.norms);
  SCOPED_TRACE(describe(config, tokens));
  const RowArrays chosen = rows_of(config, choice);
  const RowArrays rows = rounded_rows(config, logits, choice, omp_get_max_threads());
  double residual = 0;
  for (std::int64_t e = 0; e < config.num_experts; ++e) {
    std::vector<Pair> expected = ranked_column(config, logits, choice, e);
    expected.resize(
        naive_count(config.rounding, chosen.count(e), tokens, e, residual, rows.count(e)));
    residual += static_cast<double>(std::ssize(expected) - chosen.count(e));
    std::sort(expected.begin(), expected.end(),
              [](const Pair& a, const Pair& b) { return a.token < b.token; });
    ASSERT_EQ(rows.count(e), std::ssize(expected)) << "expert " << e;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(rows.tokens[rows.offsets[e] + i], expected[i].token) << "expert " << e;
      ASSERT_EQ(rows.scores[rows.offsets[e] + i], expected[i].score) << "expert " << e;
    }
  }
}

TEST(RoundedRows, AreTheBestOfEveryColumn) {
  struct Shape {
    std::int64_t tokens, num_experts, top_k, tile;
  };
  for (auto [tokens, num_experts, top_k, tile] :
       {Shape{1, 1, 1, 1}, Shape{1, 4, 2, 8}, Shape{50, 8, 2, 1}, Shape{60, 8, 8, 16},
        Shape{100, 16, 3, 8}, Shape{130, 6, 2, 128}, Shape{300, 5, 2, 128}, Shape{90, 40, 4, 7}}) {
    for (const Gate& gate : all_gates()) {
      // Coarse logits of few different tokens: equal scores within a column.
      for (float step : {0.0f, 1.0f}) {
        const LayerConfig config = layer(num_experts, top_k, gate);
        const std::vector<float> logits = seeded(tokens * num_experts, 41, 1.0f, step);
        const Choice choice = choose(config, logits);
        for (RoundingRule rule : kRules) expect_naive(rounded(config, rule, tile), logits, choice);
      }
    }
  }
}

TEST(RoundedRows, WithGroups) {
  for (const Gate& gate : all_gates(4, 2)) {
    const LayerConfig config = layer(16, 4, gate);
    const std::vector<float> logits = seeded(200 * 16, 42);
    const Choice choice = choose(config, logits, seeded(16, 43, 0.1f));
    for (RoundingRule rule : kRules) expect_naive(rounded(config, rule, 32), logits, choice);
  }
}

TEST(RoundedRows, ChangeByLessThanATile) {
  const std::vector<float> logits = seeded(500 * 12, 44);
  const Choice choice = choose(layer(12, 3), logits);
  const RowArrays before = rows_of(layer(12, 3), choice);
  for (RoundingRule rule : kRules) {
    const RowArrays after = rounded_rows(rounded(layer(12, 3), rule, 64), logits, choice, 2);
    for (std::int64_t e = 0; e < 12; ++e) {
      EXPECT_EQ(after.count(e) % 64, 0);
      EXPECT_LT(std::abs(after.count(e) - before.count(e)), 64);
    }
  }
}

TEST(RoundedRows, ChosenPairsOutrankBetterUnchosenOnes) {
  // Expert 1: token 0 chose it with a score below those of tokens 1 and 2, which did not.
  const LayerConfig config = layer(2, 1, {GateKind::sigmoid, false, false, 1, 1, 1.0f});
  const std::vector<float> logits = {-3, -2, 3, 2, 3, 2, 3, 1};
  const Choice choice = choose(config, logits);
  const RowArrays rows = rounded_rows(rounded(config, RoundingRule::up, 2), logits, choice, 1);
  EXPECT_EQ(rows.count(1), 2);
  const std::vector<std::int32_t> tokens(rows.tokens.begin() + rows.offsets[1], rows.tokens.end());
  EXPECT_THAT(tokens, testing::ElementsAre(0, 1));  // 1 and 2 tie, 1 is lower
}

TEST(RoundedRows, DropTheHigherTokenOfEqualScores) {
  const LayerConfig config = rounded(layer(1, 1), RoundingRule::down, 2);
  const std::vector<float> logits(5, 0.0f);
  const RowArrays rows = rounded_rows(config, logits, choose(config, logits), 1);
  EXPECT_THAT(rows.tokens, testing::ElementsAre(0, 1, 2, 3));
}

TEST(RoundedRows, MayBeEmpty) {
  const LayerConfig config = rounded(layer(4, 2), RoundingRule::nearest, 128);
  const std::vector<float> logits = seeded(10 * 4, 45);
  const RowArrays rows = rounded_rows(config, logits, choose(config, logits), 1);
  EXPECT_THAT(rows.offsets, testing::ElementsAre(0, 0, 0, 0, 0));
}

TEST(RoundedRows, EmptyExpertsStayEmpty) {
  std::vector<float> logits = seeded(40 * 4, 46);
  for (std::size_t i = 2; i < logits.size(); i += 4) logits[i] = -9;
  for (RoundingRule rule : kRules) {
    const LayerConfig config = rounded(layer(4, 2), rule, 8);
    EXPECT_EQ(rounded_rows(config, logits, choose(config, logits), 1).count(2), 0);
  }
}

TEST(RoundedRows, RankNaNLast) {
  const LayerConfig config = rounded(layer(2, 1, {GateKind::sigmoid, false}), RoundingRule::up, 2);
  std::vector<float> logits = {1, 2, 1, -2, 2, -1, 2, -4};
  logits[3] = std::numeric_limits<float>::quiet_NaN();
  const RowArrays rows = rounded_rows(config, logits, choose(config, logits), 1);
  EXPECT_EQ(rows.count(1), 2);  // token 0 chose it; of the others 1 is NaN and 2 the best
  EXPECT_EQ(rows.tokens.back(), 2);
}

TEST(RoundedRows, SameBitsOnAnyNumberOfThreads) {
  const std::vector<float> logits = seeded(400 * 24, 47, 1.0f, 0.5f);
  const int threads = omp_get_max_threads();
  for (RoundingRule rule : kRules) {
    const LayerConfig config = rounded(layer(24, 4), rule, 32);
    const Choice choice = choose(config, logits);
    const RowArrays one = rounded_rows(config, logits, choice, 1);
    omp_set_num_threads(5);
    for (int scratch_threads : {3, 5}) {
      const RowArrays many = rounded_rows(config, logits, choice, scratch_threads);
      EXPECT_EQ(one.offsets, many.offsets);
      EXPECT_EQ(one.tokens, many.tokens);
      EXPECT_EQ(one.scores, many.scores);
    }
    omp_set_num_threads(threads);
  }
}

TEST(RoundedRows, RefuseTooLittleScratch) {
  const LayerConfig config = rounded(layer(4, 2), RoundingRule::nearest, 8);
  const std::vector<float> logits = seeded(10 * 4, 48);
  EXPECT_THROW(rounded_rows(config, logits, choose(config, logits), 0), Error);
}

/// Rows of one expert.
std::int64_t rounded_count(const Rounding& rounding, std::int64_t count, std::int64_t tokens) {
  return rounded_counts(rounding, {count}, tokens).front();
}

TEST(RoundedCount, FollowsTheRule) {
  constexpr auto kNearest = RoundingRule::nearest, kUp = RoundingRule::up,
                 kDown = RoundingRule::down;
  struct Expected {
    RoundingRule rule;
    std::int64_t count, rounded;
  };
  for (auto [rule, count, expected] :
       {Expected{kNearest, 0, 0}, Expected{kNearest, 63, 0}, Expected{kNearest, 64, 0},
        Expected{kNearest, 65, 128}, Expected{kNearest, 128, 128}, Expected{kNearest, 192, 128},
        Expected{kNearest, 193, 256}, Expected{kUp, 0, 0}, Expected{kUp, 1, 128},
        Expected{kUp, 128, 128}, Expected{kUp, 129, 256}, Expected{kDown, 0, 0},
        Expected{kDown, 127, 0}, Expected{kDown, 128, 128}, Expected{kDown, 255, 128},
        Expected{RoundingRule::none, 77, 77}}) {
    EXPECT_EQ(rounded_count({rule, 128}, count, 1000), expected) << name_of(rule) << " " << count;
  }
}

TEST(RoundedCount, GoesDownWhereTheMultipleExceedsTheTokens) {
  EXPECT_EQ(rounded_count({RoundingRule::up, 128}, 100, 127), 0);
  EXPECT_EQ(rounded_count({RoundingRule::up, 128}, 100, 128), 128);
  EXPECT_EQ(rounded_count({RoundingRule::nearest, 128}, 250, 255), 128);
  EXPECT_EQ(rounded_count({RoundingRule::nearest, 128}, 250, 256), 256);
}

TEST(RoundedCount, HasATieOnlyForEvenTiles) {
  EXPECT_EQ(rounded_count({RoundingRule::nearest, 7}, 3, 100), 0);
  EXPECT_EQ(rounded_count({RoundingRule::nearest, 7}, 4, 100), 7);
  EXPECT_EQ(rounded_count({RoundingRule::nearest, 1}, 5, 100), 5);
}

TEST(RoundedCounts, StochasticKeepsTheRowsOnAverage) {
  const std::vector<std::int64_t> counts(200, 100);
  double rows = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (std::int64_t r : rounded_counts({RoundingRule::stochastic, 128}, counts, 4096, seed)) {
      rows += static_cast<double>(r);
    }
  }
  EXPECT_NEAR(rows / (200 * 50), 100, 2.5);  // of 0 or 128 rows: deviation 53 / 100
}

TEST(RoundedCounts, BalanceKeepsTheSumWhereverTheWayUpIsOpen) {
  std::vector<std::int64_t> counts;
  std::int64_t sum = 0, rounded_sum = 0;
  for (int e = 0; e < 300; ++e) {
    counts.push_back(random_below(3, RandomStream::tests, e, 900));
    sum += counts.back();
    const auto rounded = rounded_counts({RoundingRule::balance, 128}, counts, 4096);
    rounded_sum = std::accumulate(rounded.begin(), rounded.end(), std::int64_t{0});
    ASSERT_LE(std::abs(rounded_sum - sum), 64);
  }
}

TEST(RoundedCounts, BalanceGoesDownWhereTheTokensDoNotReach) {
  const auto rounded = rounded_counts({RoundingRule::balance, 128}, {100, 100, 100, 30}, 127);
  EXPECT_THAT(rounded, testing::ElementsAre(0, 0, 0, 0));
}

TEST(RoundedCounts, ScoresDecideWhatCountsCannot) {
  EXPECT_THROW(rounded_counts({RoundingRule::stochastic_score, 128}, {100}, 4096), Error);
}

TEST(RoundedRows, DifferBySeedUnderTheRandomRules) {
  const std::vector<float> logits = seeded(400 * 24, 49);
  for (RoundingRule rule : {RoundingRule::stochastic, RoundingRule::stochastic_score}) {
    const LayerConfig config = rounded(layer(24, 4), rule, 32);
    const Choice choice = choose(config, logits);
    std::vector<std::vector<std::int32_t>> offsets;
    for (std::uint64_t seed : {1, 2}) {
      std::vector<std::uint64_t> scratch(rounding_scratch_bytes(400, 1) / 8);
      RowArrays rows(24, max_routed_rows(config, 400));
      build_rounded_rows(config, logits.data(), choice.experts.data(), choice.scores.data(),
                         choice.norms.data(), 400, reinterpret_cast<std::byte*>(scratch.data()),
                         scratch.size() * 8, rows.view(), seed);
      offsets.push_back(rows.offsets);
    }
    EXPECT_NE(offsets[0], offsets[1]) << name_of(rule);
  }
}

}  // namespace
}  // namespace moe::routing
