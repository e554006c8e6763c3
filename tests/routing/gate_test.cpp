// choose() against a choice by full sorts and scores in double, over gates, groups, shapes and
// ties.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "core/exact_math.h"
#include "moe/error.h"
#include "routing/routed.h"

namespace moe::routing {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Indices of `values`, best first; std::stable_sort leaves ties in order of index.
std::vector<int> sorted_by(const std::vector<float>& values) {
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return values[a] > values[b]; });
  return order;
}

std::vector<float> compared_values(const LayerConfig& config, const float* logits,
                                   const std::vector<float>& b_select) {
  std::vector<float> values(logits, logits + config.num_experts);
  if (config.gate.kind != GateKind::sigmoid) return values;
  for (std::size_t e = 0; e < values.size(); ++e) {
    values[e] = sigmoid32(values[e]) + (b_select.empty() ? 0.0f : b_select[e]);
  }
  return values;
}

std::set<int> kept_groups(const LayerConfig& config, const std::vector<float>& values) {
  const std::int64_t size = config.num_experts / config.gate.num_groups;
  std::vector<float> group_scores;
  for (std::int64_t group = 0; group < config.gate.num_groups; ++group) {
    std::vector<float> members(values.begin() + group * size, values.begin() + (group + 1) * size);
    std::sort(members.begin(), members.end(), std::greater<float>());
    const bool sums_two = config.gate.kind == GateKind::sigmoid && size > 1;
    group_scores.push_back(sums_two ? members[0] + members[1] : members[0]);
  }
  const std::vector<int> order = sorted_by(group_scores);
  return {order.begin(), order.begin() + config.gate.kept_groups};
}

std::vector<int> naive_choice(const LayerConfig& config, const float* logits,
                              const std::vector<float>& b_select) {
  const std::vector<float> values = compared_values(config, logits, b_select);
  const std::set<int> groups = kept_groups(config, values);
  const std::int64_t size = config.num_experts / config.gate.num_groups;
  std::vector<int> chosen;
  for (int e : sorted_by(values)) {
    if (std::ssize(chosen) < config.top_k && groups.count(e / static_cast<int>(size)) > 0) {
      chosen.push_back(e);
    }
  }
  return chosen;
}

double naive_score(const LayerConfig& config, const float* logits, const std::vector<int>& chosen,
                   int expert) {
  const bool is_sigmoid = config.gate.kind == GateKind::sigmoid;
  auto part = [&](int e) {
    const double logit = logits[e];
    return is_sigmoid ? 1 / (1 + std::exp(-logit)) : std::exp(logit);
  };
  double denominator = 0;
  if (config.gate.renormalize || config.gate.kind == GateKind::topk_softmax) {
    for (int e : chosen) denominator += part(e);
  } else if (is_sigmoid) {
    denominator = 1;
  } else {
    for (int e = 0; e < config.num_experts; ++e) denominator += part(e);
  }
  return config.gate.scale * part(expert) / denominator;
}

void expect_naive(const LayerConfig& config, const std::vector<float>& logits,
                  const std::vector<float>& b_select) {
  const std::int64_t tokens = std::ssize(logits) / config.num_experts, top_k = config.top_k;
  SCOPED_TRACE(describe(config, tokens));
  const Choice choice = choose(config, logits, b_select);
  for (std::int64_t t = 0; t < tokens; ++t) {
    const float* own_logits = &logits[t * config.num_experts];
    const std::vector<int> expected = naive_choice(config, own_logits, b_select);
    const std::vector<int> actual(&choice.experts[t * top_k], &choice.experts[t * top_k] + top_k);
    ASSERT_EQ(actual, expected) << "token " << t;
    for (std::int64_t k = 0; k < top_k; ++k) {
      const double score = naive_score(config, own_logits, expected, expected[k]);
      ASSERT_NEAR(choice.scores[t * top_k + k], score, 2e-6 * score) << "token " << t;
    }
    for (int e = 0; e < config.num_experts; ++e) {  // as rounding would add them
      const double score = naive_score(config, own_logits, expected, e);
      ASSERT_NEAR(pair_score(config, own_logits[e], choice.norms[t]), score, 2e-6 * score);
    }
  }
}

struct Shape {
  std::int64_t tokens, num_experts, top_k;
};

std::string name_of(const Shape& shape) {
  return "T" + std::to_string(shape.tokens) + "_E" + std::to_string(shape.num_experts) + "_K" +
         std::to_string(shape.top_k);
}

class GateShapes : public testing::TestWithParam<Shape> {};

TEST_P(GateShapes, ChoosesAsFullSortDoes) {
  const auto [tokens, num_experts, top_k] = GetParam();
  for (const Gate& gate : all_gates()) {
    for (float step : {0.0f, 0.5f}) {  // 0.5: many equal logits
      const std::vector<float> logits = seeded(tokens * num_experts, 11, 1.0f, step);
      expect_naive(layer(num_experts, top_k, gate), logits, {});
      expect_naive(layer(num_experts, top_k, gate), logits, seeded(num_experts, 12, 0.2f));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, GateShapes,
                         testing::Values(Shape{1, 1, 1}, Shape{33, 1, 1}, Shape{1, 8, 2},
                                         Shape{64, 8, 8}, Shape{100, 13, 3}, Shape{50, 72, 22},
                                         Shape{40, 512, 10}),
                         [](const auto& info) { return name_of(info.param); });

TEST(Gate, ChoosesWithinKeptGroups) {
  struct Groups {
    std::int64_t num_experts, top_k, num_groups, kept;
  };
  for (auto [num_experts, top_k, num_groups, kept] :
       {Groups{8, 2, 4, 2}, Groups{8, 4, 4, 2}, Groups{256, 8, 8, 4}, Groups{160, 6, 8, 3},
        Groups{6, 2, 6, 3}, Groups{12, 3, 3, 1}, Groups{12, 5, 3, 3}}) {
    for (const Gate& gate : all_gates(num_groups, kept)) {
      for (float step : {0.0f, 0.5f}) {
        const std::vector<float> logits = seeded(60 * num_experts, 13, 1.0f, step);
        expect_naive(layer(num_experts, top_k, gate), logits, seeded(num_experts, 14, 0.2f));
      }
    }
  }
}

TEST(Gate, TiesGoToLowerExpertAndLowerGroup) {
  const std::vector<float> logits(8, 0.25f);
  for (const Gate& gate : all_gates()) {
    EXPECT_THAT(choose(layer(8, 3, gate), logits).experts, testing::ElementsAre(0, 1, 2));
  }
  const std::vector<float> grouped = {0, 0, 1, 1, 1, 1, 0, 0};
  for (const Gate& gate : all_gates(4, 1)) {
    EXPECT_THAT(choose(layer(8, 2, gate), grouped).experts, testing::ElementsAre(2, 3));
  }
}

TEST(Gate, ZerosOfBothSignsTie) {
  EXPECT_THAT(choose(layer(3, 2), {-0.0f, 0.0f, -0.0f}).experts, testing::ElementsAre(0, 1));
}

TEST(Gate, BiasMovesTheChoiceButNotTheScore) {
  Gate gate{GateKind::sigmoid, false, true, 1, 1, 1.0f};
  const Choice choice = choose(layer(3, 1, gate), {2.0f, 0.0f, 1.0f}, {0.0f, 0.9f, 0.0f});
  EXPECT_EQ(choice.experts[0], 1);
  EXPECT_FLOAT_EQ(choice.scores[0], 0.5f);
}

TEST(Gate, NaNIsChosenLastAndEveryExpertOnce) {
  for (const Gate& gate : all_gates()) {
    EXPECT_THAT(choose(layer(4, 2, gate), {kNaN, 1, kNaN, 2}).experts, testing::ElementsAre(3, 1));
    EXPECT_THAT(choose(layer(4, 3, gate), {1, kNaN, kNaN, 2}).experts,
                testing::ElementsAre(3, 0, 1));
  }
  for (const Gate& gate : all_gates(2, 1)) {
    EXPECT_THAT(choose(layer(4, 2, gate), {kNaN, kNaN, 1, 2}).experts, testing::ElementsAre(3, 2));
    EXPECT_THAT(choose(layer(4, 2, gate), std::vector<float>(4, kNaN)).experts,
                testing::ElementsAre(0, 1));
  }
}

TEST(Gate, LargeLogitsDoNotOverflow) {
  for (const Gate& gate : all_gates()) {
    const Choice choice = choose(layer(3, 2, gate), {1e4f, -1e4f, 1e4f});
    EXPECT_THAT(choice.experts, testing::ElementsAre(0, 2));
    const bool shares = gate.kind != GateKind::sigmoid || gate.renormalize;
    EXPECT_FLOAT_EQ(choice.scores[0], shares ? 1.25f : 2.5f);
  }
}

TEST(Gate, SameBitsOnAnyNumberOfThreads) {
  const std::vector<float> logits = seeded(301 * 40, 15);
  const int threads = omp_get_max_threads();
  for (const Gate& gate : all_gates(8, 4)) {
    omp_set_num_threads(1);
    const Choice one = choose(layer(40, 6, gate), logits);
    omp_set_num_threads(5);
    const Choice five = choose(layer(40, 6, gate), logits);
    EXPECT_EQ(one.experts, five.experts);
    EXPECT_EQ(one.scores, five.scores);
  }
  omp_set_num_threads(threads);
}

TEST(Gate, RefusesGroupsThatHoldTooFewExperts) {
  const std::vector<float> logits(8);
  const Gate too_few{GateKind::sigmoid, true, false, 4, 1, 1.0f};
  EXPECT_THROW(choose(layer(8, 3, too_few), logits), Error);
  const Gate uneven{GateKind::sigmoid, true, false, 3, 3, 1.0f};
  EXPECT_THROW(choose(layer(8, 3, uneven), logits), Error);
}

}  // namespace
}  // namespace moe::routing
