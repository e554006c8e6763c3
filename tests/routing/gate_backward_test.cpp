// gate_backward() against central differences of the score formula in double, with rows that
// rounding could have made: chosen pairs missing, unchosen pairs present, tokens without any.
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "routing/routed.h"

namespace moe::routing {
namespace {

/// The loss sum_p g_p s_p of one token in double; the denominator is over `chosen`, p over
/// `row_experts`.
struct TokenLoss {
  const LayerConfig& config;
  std::vector<int> chosen, row_experts;
  std::vector<double> d_scores;

  double operator()(const std::vector<double>& logits) const {
    const Gate& gate = config.gate;
    const bool is_sigmoid = gate.kind == GateKind::sigmoid;
    auto part = [&](double l) { return is_sigmoid ? 1 / (1 + std::exp(-l)) : std::exp(l); };
    double denominator = 0;
    if (gate.kind == GateKind::topk_softmax || gate.renormalize) {
      for (int e : chosen) denominator += part(logits[e]);
    } else if (is_sigmoid) {
      denominator = 1;
    } else {
      for (double l : logits) denominator += part(l);
    }
    double loss = 0;
    for (std::size_t p = 0; p < row_experts.size(); ++p) {
      loss += d_scores[p] * gate.scale * part(logits[row_experts[p]]) / denominator;
    }
    return loss;
  }
};

/// Rows of every pair (t, e) for which keep(t, e, is_chosen).
template <class Keep>
RowArrays pick_rows(const LayerConfig& config, const std::vector<float>& logits,
                    const Choice& choice, Keep keep) {
  const std::int64_t tokens = std::ssize(choice.norms);
  RowArrays rows(config.num_experts, tokens * config.num_experts);
  std::int32_t row = 0;
  for (std::int64_t e = 0; e < config.num_experts; ++e) {
    rows.offsets[e] = row;
    for (std::int64_t t = 0; t < tokens; ++t) {
      const auto* own = &choice.experts[t * config.top_k];
      if (!keep(t, e, std::find(own, own + config.top_k, e) != own + config.top_k)) continue;
      rows.tokens[row] = static_cast<std::int32_t>(t);
      rows.scores[row++] = pair_score(config, logits[t * config.num_experts + e], choice.norms[t]);
    }
  }
  rows.offsets[config.num_experts] = row;
  rows.trim();
  return rows;
}

struct Case {
  LayerConfig config;
  std::vector<float> logits;
  Choice choice;
  RowArrays rows;
  std::vector<float> d_scores;

  std::int64_t tokens() const { return std::ssize(choice.norms); }

  std::vector<float> gradient() const {
    std::vector<std::int32_t> token_offsets(tokens() + 1), token_rows(rows.tokens.size());
    build_token_rows(rows.offsets.data(), rows.tokens.data(), config.num_experts, tokens(),
                     token_offsets.data(), token_rows.data());
    const GateBackward in{backward_needs_logits(config.gate) ? logits.data() : nullptr,
                          choice.experts.data(),
                          choice.scores.data(),
                          backward_needs_norms(config.gate) ? choice.norms.data() : nullptr,
                          rows.offsets.data(),
                          token_offsets.data(),
                          token_rows.data(),
                          rows.scores.data(),
                          d_scores.data()};
    std::vector<float> d_logits(logits.size(), std::numeric_limits<float>::quiet_NaN());
    gate_backward(config, in, tokens(), d_logits.data());
    return d_logits;
  }

  std::vector<double> differences(std::int64_t token) const {
    TokenLoss loss{config, {}, {}, {}};
    for (std::int64_t k = 0; k < config.top_k; ++k) {
      loss.chosen.push_back(choice.experts[token * config.top_k + k]);
    }
    for (int e = 0; e < config.num_experts; ++e) {
      for (std::int32_t row = rows.offsets[e]; row < rows.offsets[e + 1]; ++row) {
        if (rows.tokens[row] != token) continue;
        loss.row_experts.push_back(e);
        loss.d_scores.push_back(d_scores[row]);
      }
    }
    const auto first = logits.begin() + token * config.num_experts;
    std::vector<double> point(first, first + config.num_experts), slopes;
    constexpr double kStep = 1e-5;
    for (double& logit : point) {
      const double centre = logit;
      logit = centre + kStep;
      const double above = loss(point);
      logit = centre - kStep;
      slopes.push_back((above - loss(point)) / (2 * kStep));
      logit = centre;
    }
    return slopes;
  }
};

template <class Keep>
Case make_case(const Gate& gate, Keep keep) {
  const LayerConfig config = layer(12, 3, gate);
  const std::vector<float> logits = seeded(40 * config.num_experts, 21);
  const Choice choice = choose(config, logits, seeded(config.num_experts, 22, 0.1f));
  RowArrays rows = pick_rows(config, logits, choice, keep);
  const std::vector<float> d_scores = seeded(std::ssize(rows.tokens), 23);
  return {config, logits, choice, rows, d_scores};
}

template <class Keep>
void expect_differences(const Gate& gate, Keep keep) {
  const Case given = make_case(gate, keep);
  SCOPED_TRACE(describe(given.config, given.tokens()));
  const std::vector<float> d_logits = given.gradient();
  double largest = 0;
  for (std::int64_t t = 0; t < given.tokens(); ++t) {
    const std::vector<double> expected = given.differences(t);
    for (std::int64_t e = 0; e < given.config.num_experts; ++e) {
      EXPECT_NEAR(d_logits[t * given.config.num_experts + e], expected[e], 3e-6)
          << "token " << t << " expert " << e;
      largest = std::max(largest, std::abs(expected[e]));
    }
  }
  EXPECT_GT(largest, 0.1);  // the tolerance means something
}

TEST(GateBackward, OfTheChoice) {
  for (const Gate& gate : all_gates()) {
    expect_differences(gate, [](auto, auto, bool is_chosen) { return is_chosen; });
  }
}

TEST(GateBackward, OfDroppedPairs) {
  for (const Gate& gate : all_gates()) {
    expect_differences(gate, [](auto t, auto e, bool is_chosen) {
      return is_chosen && (t * 12 + e) % 3 != 0 && t % 10 != 5;  // tokens 5, 15, ... lose all
    });
  }
}

TEST(GateBackward, OfAddedPairs) {
  for (const Gate& gate : all_gates()) {
    expect_differences(
        gate, [](auto t, auto e, bool is_chosen) { return is_chosen || (t * 12 + e) % 5 == 0; });
  }
}

TEST(GateBackward, OfDroppedAndAddedPairsWithGroups) {
  for (const Gate& gate : all_gates(4, 2)) {
    expect_differences(gate, [](auto t, auto e, bool is_chosen) {
      return is_chosen ? (t + e) % 2 == 0
                       : (t * 12 + e) % 5 == 0 && e != 7;  // expert 7: fewer rows
    });
  }
}

TEST(GateBackward, OfEmptyExperts) {
  for (const Gate& gate : all_gates()) {
    expect_differences(gate, [](auto, auto e, bool) { return e == 3 || e == 8; });
  }
}

TEST(GateBackward, TokensWithoutRowsGetZero) {
  for (const Gate& gate : all_gates()) {
    const Case given =
        make_case(gate, [](auto t, auto, bool is_chosen) { return is_chosen && t > 0; });
    const std::vector<float> d_logits = given.gradient();
    for (std::int64_t e = 0; e < given.config.num_experts; ++e) EXPECT_EQ(d_logits[e], 0.0f);
  }
}

TEST(GateBackward, SaysWhatItReads) {
  for (const Gate& gate : all_gates()) {
    const bool is_sigmoid = gate.kind == GateKind::sigmoid;
    const bool reads_all = gate.kind == GateKind::softmax_topk && !gate.renormalize;
    EXPECT_EQ(backward_needs_logits(gate), reads_all);
    EXPECT_EQ(backward_needs_norms(gate), reads_all || (is_sigmoid && gate.renormalize));
  }
}

TEST(GateBackward, SameBitsOnAnyNumberOfThreads) {
  const int threads = omp_get_max_threads();
  for (const Gate& gate : all_gates()) {
    const Case given = make_case(gate, [](auto, auto, bool is_chosen) { return is_chosen; });
    omp_set_num_threads(1);
    const std::vector<float> one = given.gradient();
    omp_set_num_threads(5);
    EXPECT_EQ(one, given.gradient());
  }
  omp_set_num_threads(threads);
}

}  // namespace
}  // namespace moe::routing
