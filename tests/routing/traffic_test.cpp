// Traffic through the gate: what the experts really get when offsets meet natural logits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "moe/error.h"
#include "routing/routed.h"
#include "routing/traffic.h"

namespace moe::routing {
namespace {

/// Chosen tokens per expert, with logits of the deviation that the suite's inputs have.
std::vector<std::int64_t> counts_under(const LayerConfig& config, const Traffic& traffic,
                                       std::int64_t tokens, std::uint64_t seed = 0) {
  std::vector<float> logits = seeded(tokens * config.num_experts, 51, 0.12f);
  const std::vector<float> offsets = logit_offsets(config, traffic, tokens, seed);
  for (std::size_t i = 0; i < offsets.size(); ++i) logits[i] += offsets[i];
  const auto b_select =
      config.gate.selection_bias ? seeded(config.num_experts, 52, 0.02f) : std::vector<float>();
  std::vector<std::int64_t> counts(config.num_experts);
  for (std::int32_t expert : choose(config, logits, b_select).experts) ++counts[expert];
  return counts;
}

void expect_balanced(const LayerConfig& config, std::int64_t tokens) {
  SCOPED_TRACE(describe(config, tokens));
  const std::vector<std::int64_t> counts = counts_under(config, {TrafficKind::balanced}, tokens);
  const std::int64_t pairs = tokens * config.top_k;
  for (std::int64_t count : counts) {
    EXPECT_GE(count, pairs / config.num_experts);
    EXPECT_LE(count, (pairs + config.num_experts - 1) / config.num_experts);
  }
}

TEST(BalancedTraffic, GivesEveryExpertTheSame) {
  for (const Gate& gate : all_gates()) {
    for (std::int64_t tokens : {1, 7, 100}) {
      for (auto [num_experts, top_k] : {std::pair{1, 1}, {8, 2}, {8, 8}, {13, 3}, {72, 22}}) {
        expect_balanced(layer(num_experts, top_k, gate), tokens);
      }
    }
  }
}

TEST(BalancedTraffic, HoldsForGroups) {
  for (std::int64_t tokens : {1, 5, 130}) {
    for (std::int64_t kept : {1, 4}) {  // 4: DeepSeek-V3
      for (const Gate& gate : all_gates(8, kept)) expect_balanced(layer(256, 8, gate), tokens);
    }
    for (const Gate& gate : all_gates(8, 3)) {  // DeepSeek-V2: runs of 6 straddle groups of 20
      expect_balanced(layer(160, 6, gate), tokens);
    }
    for (const Gate& gate : all_gates(4, 2)) expect_balanced(layer(8, 4, gate), tokens);
  }
}

TEST(BalancedTraffic, TakesTurnsInsideGroupsWhereRunsWouldStraddle) {
  for (const Gate& gate : all_gates(8, 1)) {
    for (std::int64_t tokens : {8, 80, 504}) expect_balanced(layer(160, 6, gate), tokens);
    for (std::int64_t tokens : {1, 4, 10}) expect_balanced(layer(160, 6, gate), tokens);
  }
}

TEST(BalancedTraffic, SaysWhereItIsImpossible) {
  const auto balance = [](const LayerConfig& config, std::int64_t tokens) {
    return logit_offsets(config, {TrafficKind::balanced}, tokens, 0);
  };
  const Gate one_group{GateKind::sigmoid, true, false, 8, 1, 1.0f};
  EXPECT_THAT([&] { balance(layer(160, 6, one_group), 25); },  // one group gets 4 x 6 > 20 rows
              testing::ThrowsMessage<Error>(testing::HasSubstr("use a multiple of 8 tokens")));
  const Gate two_groups{GateKind::sigmoid, true, false, 4, 2, 1.0f};
  EXPECT_THAT([&] { balance(layer(12, 5, two_groups), 12); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("keep one group more")));
}

/// Most popular first.
std::vector<std::int64_t> by_popularity(std::vector<std::int64_t> counts) {
  std::sort(counts.begin(), counts.end(), std::greater<>());
  return counts;
}

TEST(ZipfTraffic, FollowsThePowerLaw) {
  constexpr std::int64_t kTokens = 8192;
  for (const Gate& gate : all_gates()) {
    const LayerConfig config = layer(16, 1, gate);
    const auto counts = by_popularity(counts_under(config, {TrafficKind::zipf, 1.0}, kTokens));
    double harmonic = 0;
    for (int rank = 1; rank <= 16; ++rank) harmonic += 1.0 / rank;
    for (int rank : {1, 2, 4, 8, 16}) {
      const double expected = kTokens / (rank * harmonic);
      EXPECT_NEAR(static_cast<double>(counts[rank - 1]), expected,
                  0.05 * expected + 3 * std::sqrt(expected))
          << describe(config, kTokens) << " rank " << rank;
    }
  }
}

TEST(ZipfTraffic, IsAsUnevenWithTopK) {
  // Simulated with Gumbel top-K elsewhere: max/mean 10.3 at E = 64, K = 4, exponent 1.
  for (const Gate& gate : all_gates()) {
    const LayerConfig config = layer(64, 4, gate);
    const auto counts = by_popularity(counts_under(config, {TrafficKind::zipf, 1.0}, 4096));
    EXPECT_NEAR(static_cast<double>(counts[0]) / (4096 * 4 / 64.0), 10.3, 1.0)
        << describe(config, 4096);
  }
}

TEST(ZipfTraffic, OfExponentZeroIsFair) {
  const auto counts = by_popularity(counts_under(layer(8, 2), {TrafficKind::zipf, 0.0}, 4096));
  EXPECT_LT(counts.front(), 1.15 * 1024);
  EXPECT_GT(counts.back(), 0.85 * 1024);
}

TEST(ZipfTraffic, PutsTheChoiceWhereSigmoidsAreSteep) {
  // Of 64 offsets with p_e = 8 / 64, 64 * (1 - exp(-1/8)) = 7.5 are above 0; none saturates a
  // sigmoid together with another one.
  const std::vector<float> offsets = logit_offsets(layer(64, 8), {TrafficKind::zipf, 0.0}, 1000, 1);
  const auto above = [&](float bound) {
    return std::count_if(offsets.begin(), offsets.end(), [&](float x) { return x > bound; });
  };
  EXPECT_NEAR(static_cast<double>(above(0.0f)) / 1000, 7.5, 0.3);
  EXPECT_LE(above(12.0f), 2);
}

TEST(ZipfTraffic, ShufflesRanksBySeed) {
  const auto favourite = [](std::uint64_t seed) {
    const auto counts = counts_under(layer(64, 1), {TrafficKind::zipf, 1.5}, 2000, seed);
    return std::max_element(counts.begin(), counts.end()) - counts.begin();
  };
  EXPECT_EQ(favourite(1), favourite(1));
  std::vector<std::ptrdiff_t> favourites;
  for (std::uint64_t seed = 0; seed < 6; ++seed) favourites.push_back(favourite(seed));
  std::sort(favourites.begin(), favourites.end());
  EXPECT_GT(std::unique(favourites.begin(), favourites.end()) - favourites.begin(), 3);
}

TEST(HotTraffic, SendsEveryTokenToTheHotExperts) {
  for (const Gate& gate : all_gates()) {
    const auto few = by_popularity(counts_under(layer(16, 4, gate), {TrafficKind::hot, 0, 2}, 300));
    EXPECT_EQ(few[0], 300);
    EXPECT_EQ(few[1], 300);
    EXPECT_LT(few[2], 300);
    const auto many =
        by_popularity(counts_under(layer(16, 2, gate), {TrafficKind::hot, 0, 5}, 300));
    EXPECT_EQ(std::accumulate(many.begin(), many.begin() + 5, std::int64_t{0}), 600);
    EXPECT_GT(many[4], 0);
  }
}

TEST(HotTraffic, RefusesMoreExpertsThanThereAre) {
  EXPECT_NO_THROW(logit_offsets(layer(8, 2), {TrafficKind::hot, 0, 8}, 4, 0));
  EXPECT_THAT(
      [] {
        logit_offsets(layer(8, 2), {TrafficKind::hot, 0, 9}, 4, 0);
      },
      testing::ThrowsMessage<Error>(testing::HasSubstr("only 8 experts")));
}

TEST(NaturalTraffic, HasNoOffsets) {
  EXPECT_TRUE(logit_offsets(layer(8, 2), {}, 100, 0).empty());
}

TEST(ParseTraffic, ReadsWhatItWrites) {
  for (const char* text : {"natural", "balanced", "zipf:1.2", "zipf:0", "zipf:3", "hot:1",
                           "hot:256", "trace:a.moetrace@0", "trace:b@c/d:e@17"}) {
    EXPECT_EQ(to_string(parse_traffic(text)), text);
  }
  EXPECT_EQ(parse_traffic("zipf:1.25").kind, TrafficKind::zipf);
  EXPECT_EQ(parse_traffic("zipf:1.25").exponent, 1.25);
  EXPECT_EQ(parse_traffic("hot:3").hot_experts, 3);
}

TEST(ParseTraffic, ReadsTheLayerOfATraceBehindItsLastAt) {
  EXPECT_EQ(parse_traffic("trace:a").kind, TrafficKind::trace);
  EXPECT_EQ(parse_traffic("trace:a").trace_layer, 0);
  EXPECT_EQ(parse_traffic("trace:a@3").trace_file, "a");
  EXPECT_EQ(parse_traffic("trace:a@3").trace_layer, 3);
  EXPECT_EQ(parse_traffic("trace:me@home/a").trace_file, "me@home/a");
  EXPECT_EQ(parse_traffic("trace:a@-1").trace_file, "a@-1");
  EXPECT_TRUE(logit_offsets(layer(8, 2), parse_traffic("trace:a"), 100, 0).empty());
}

TEST(ParseTraffic, NamesTheAcceptedForms) {
  for (const char* text :
       {"",          "zip",      "zipf",      "zipf:",     "zipf:x",  "zipf:-1",
        "zipf:1.2x", "zipf:inf", "zipf:nan",  "hot",       "hot:",    "hot:0",
        "hot:-2",    "hot:1.5",  "natural:1", "balanced:", "Natural", "hot:99999999999999999999",
        "trace",     "trace:"}) {
    EXPECT_THAT([&] { parse_traffic(text); },
                testing::ThrowsMessage<Error>(testing::HasSubstr("use natural, balanced, zipf:S")))
        << text;
  }
}

}  // namespace
}  // namespace moe::routing
