// Seeded cases of token rounding, and what the CPU makes of them: for the device's algorithm run by
// the host, and for its kernels.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "host_routing.h"

namespace moe::tests {

inline constexpr RoundingRule kRoundingRules[] = {RoundingRule::nearest,
                                                  RoundingRule::up,
                                                  RoundingRule::down,
                                                  RoundingRule::stochastic,
                                                  RoundingRule::stochastic_score,
                                                  RoundingRule::balance};

struct RoundingCase {
  LayerConfig config;
  std::int64_t tokens;
  std::uint64_t seed;
  std::vector<float> logits;
  routing::Choice choice;
};

/// Logits as routers have them; with many ties; all alike; so far apart that scores reach 0; and
/// with a hot expert beside ones that nobody chooses.
enum class LogitKind { ordinary, coarse, equal, extreme, hot };
inline constexpr int kLogitKinds = 5;

inline std::vector<float> logits_of_kind(LogitKind kind, std::int64_t tokens,
                                         std::int64_t num_experts, std::uint64_t seed) {
  const float deviation = kind == LogitKind::extreme ? 60.0f : 1.5f;
  const float step = kind == LogitKind::coarse ? 1.0f : kind == LogitKind::equal ? 1000.0f : 0.0f;
  std::vector<float> logits = routing::seeded(tokens * num_experts, seed, deviation, step);
  for (std::int64_t i = 0; kind == LogitKind::hot && i < std::ssize(logits); ++i) {
    logits[i] += i % num_experts == 0 ? 6.0f : i % num_experts > num_experts / 2 ? -20.0f : 0.0f;
  }
  return logits;
}

inline RoundingCase rounding_case(const LayerConfig& config, std::int64_t tokens, LogitKind kind,
                                  std::uint64_t seed) {
  RoundingCase result{
      config, tokens, seed, logits_of_kind(kind, tokens, config.num_experts, seed), {}};
  result.choice = routing::choose(config, result.logits);
  return result;
}

/// Case `index` of an endless list: every rule, gate and kind of logits in turn, sizes at random.
inline RoundingCase rounding_case(int index) {
  const auto below = [&](std::uint64_t stream, std::uint32_t bound) {
    return static_cast<std::int64_t>(
        random_below(stream, RandomStream::tests, static_cast<std::uint64_t>(index), bound));
  };
  constexpr std::int64_t kExperts[] = {1, 2, 5, 8, 12, 31, 33, 40, 64, 72};
  constexpr std::int64_t kTiles[] = {1, 2, 7, 16, 64, 128, 256, 1000};
  const std::int64_t num_experts = kExperts[below(1, 10)];
  const std::int64_t top_k =
      1 + below(2, static_cast<std::uint32_t>(std::min<std::int64_t>(num_experts, 8)));
  const bool has_groups = num_experts % 4 == 0 && top_k <= num_experts / 2;
  const auto gates = has_groups && index % 2 == 1 ? routing::all_gates(4, 2) : routing::all_gates();
  LayerConfig config = routing::layer(num_experts, top_k, gates[index / 6 % gates.size()]);
  config.rounding = {kRoundingRules[index % 6], kTiles[below(3, 8)]};
  const std::int64_t tokens = 1 + below(4, index % 3 == 0 ? 1500 : 200);
  return rounding_case(config, tokens, static_cast<LogitKind>(below(5, kLogitKinds)),
                       static_cast<std::uint64_t>(index) + 100);
}

inline std::string describe(const RoundingCase& c) {
  return routing::describe(c.config, c.tokens) + " seed " + std::to_string(c.seed);
}

/// Rows and their inverse.
struct RoundedRows {
  std::vector<std::int32_t> expert_offsets, row_tokens, token_offsets, token_rows;
  std::vector<float> row_scores;
};

inline RoundedRows rounded_on_cpu(const RoundingCase& c) {
  std::vector<std::uint64_t> scratch(routing::rounding_scratch_bytes(c.tokens, 1) / 8);
  routing::RowArrays rows(c.config.num_experts, max_routed_rows(c.config, c.tokens));
  routing::build_rounded_rows(c.config, c.logits.data(), c.choice.experts.data(),
                              c.choice.scores.data(), c.choice.norms.data(), c.tokens,
                              reinterpret_cast<std::byte*>(scratch.data()), scratch.size() * 8,
                              rows.view(), c.seed);
  rows.trim();
  RoundedRows result{rows.offsets, rows.tokens, std::vector<std::int32_t>(c.tokens + 1),
                     std::vector<std::int32_t>(rows.tokens.size()), rows.scores};
  routing::build_token_rows(rows.offsets.data(), rows.tokens.data(), c.config.num_experts, c.tokens,
                            result.token_offsets.data(), result.token_rows.data());
  return result;
}

inline std::vector<std::uint32_t> chosen_masks(const RoundingCase& c) {
  return chunk_masks_of(c.choice.experts, c.tokens, c.config);
}

/// Rows of `actual` beyond the last are scratch.
inline void expect_rows(const RoundedRows& actual, const RoundedRows& expected) {
  ASSERT_EQ(actual.expert_offsets, expected.expert_offsets);
  ASSERT_EQ(actual.token_offsets, expected.token_offsets);
  ASSERT_GE(actual.row_tokens.size(), expected.row_tokens.size());
  for (std::size_t i = 0; i < expected.row_tokens.size(); ++i) {
    ASSERT_EQ(actual.row_tokens[i], expected.row_tokens[i]) << "row " << i;
    ASSERT_EQ(std::bit_cast<std::uint32_t>(actual.row_scores[i]),
              std::bit_cast<std::uint32_t>(expected.row_scores[i]))
        << "score of row " << i;
    ASSERT_EQ(actual.token_rows[i], expected.token_rows[i]) << "place " << i;
  }
}

}  // namespace moe::tests
