// Natural traffic is what a random router gives: no seeded bias may decide who is chosen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "measure/fake_device.h"
#include "measure/problem/ep_share.h"
#include "measure/problem/problem.h"
#include "routing/gate.h"
#include "support/cases.h"

namespace moe::measure {
namespace {

/// Experts, groups and choice of DeepSeek-V3; and the logit bias of gpt-oss.
std::vector<LayerConfig> biased_layers() {
  LayerConfig selected = tests::layer(256, 8, 256, 8);
  selected.gate.kind = GateKind::sigmoid;
  selected.gate.num_groups = 8;
  selected.gate.kept_groups = 4;
  selected.gate.selection_bias = true;
  LayerConfig shifted = tests::layer(256, 8, 128, 4);
  shifted.gate.logit_bias = true;
  return {selected, shifted};
}

double max_over_mean(const std::vector<double>& counts) {
  double sum = 0;
  for (const double count : counts) sum += count;
  return *std::max_element(counts.begin(), counts.end()) * counts.size() / sum;
}

TEST(NaturalTraffic, IsNearlyUniformWhateverBiasesTheGateHas) {
  constexpr std::int64_t kTokens = 2048;
  for (const LayerConfig& config : biased_layers()) {
    FakeDevice device;
    const Problem problem(device, config, kTokens, {}, 42);
    const std::int64_t d = config.hidden_dim, E = config.num_experts, K = config.top_k;
    const Weights& w = problem.weights();
    const auto* x = problem.x().as<float>();
    const auto* w_router = w.w_router.as<float>();
    std::vector<float> logits(kTokens * E);
    for (std::int64_t t = 0; t < kTokens; ++t) {
      for (std::int64_t e = 0; e < E; ++e) {
        float sum = w.b_router.empty() ? 0.0f : w.b_router.as<float>()[e];
        for (std::int64_t i = 0; i < d; ++i) sum += x[t * d + i] * w_router[e * d + i];
        logits[t * E + e] = sum;
      }
    }
    std::vector<std::int32_t> chosen(kTokens * K);
    std::vector<float> scores(kTokens * K);
    std::vector<routing::TokenNorm> norms(kTokens);
    routing::choose(config, logits.data(), w.b_select.empty() ? nullptr : w.b_select.as<float>(),
                    kTokens, chosen.data(), scores.data(), norms.data());
    std::vector<double> counts(E);
    for (const std::int32_t e : chosen) ++counts[e];
    EXPECT_LT(max_over_mean(counts), 2) << E << " experts";
    EXPECT_GT(*std::min_element(counts.begin(), counts.end()), 0) << E << " experts";
  }
}

TEST(NaturalTraffic, GivesRanksNearlyEqualShares) {
  std::vector<double> rows;
  for (std::int64_t rank = 1; rank <= 8; ++rank) {
    rows.push_back(
        static_cast<double>(ep_share(biased_layers()[0], 2048, {}, 42, rank, 8).rows.max_rows));
  }
  EXPECT_LT(max_over_mean(rows), 1.2);
}

}  // namespace
}  // namespace moe::measure
