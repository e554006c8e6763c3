// Work and least time of plans.
#include "model/layer/work.h"

#include <gtest/gtest.h>

#include "model/layer/layer_cost.h"
#include "plan/requests.h"

namespace moe::model {
namespace {

TEST(Work, OfExpertsIsThatOfTheFormula) {
  for (const plan::Algorithm& algorithm : plan::algorithms()) {
    for (const Request& r : plan::requests()) {
      if (r.config.shared.ffn_dim > 0) continue;
      const Plan plan = algorithm.plan(r, plan::devices()[0]);
      const std::int64_t rows = std::min(r.max_rows, r.max_tokens * r.config.top_k);
      const LayerFlops experts = layer_flops(r.config, r.max_tokens, rows);
      const double router =
          2.0 * static_cast<double>(r.max_tokens * r.config.hidden_dim * r.config.num_experts);
      EXPECT_DOUBLE_EQ(forward_work(plan).flops, experts.forward + router) << algorithm.name;
      EXPECT_DOUBLE_EQ(backward_work(plan).flops, experts.backward + 2 * router) << algorithm.name;
    }
  }
}

TEST(LeastSeconds, TakesTheSlowerOfTheTwoInEachStep) {
  const std::vector<Step> steps = {{.flops = 100, .bytes = 1}, {.flops = 1, .bytes = 60}};
  EXPECT_DOUBLE_EQ(least_seconds(steps, {.flops = 10, .bytes = 20}), 10.0 + 3.0);
}

TEST(Rates, OfAPresetAreItsAttainableOnes) {
  const Rates rates = attainable_rates(gpu_preset("h200"));
  EXPECT_EQ(rates.flops, gpu_preset("h200").sustained_bf16_flops_per_s);
  EXPECT_EQ(rates.bytes, gpu_preset("h200").sustained_bytes_per_s);
  EXPECT_EQ(rates.link_bytes, 450e9);
}

}  // namespace
}  // namespace moe::model
