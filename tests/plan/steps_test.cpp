// The steps of every plan: their names, and that their arithmetic adds up to the papers' formulas.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "plan/requests.h"

namespace moe::plan {
namespace {

double total_flops(const std::vector<Step>& steps) {
  double flops = 0;
  for (const Step& step : steps) flops += step.flops;
  return flops;
}

const Step* find_step(const std::vector<Step>& steps, const std::string& name) {
  for (const Step& step : steps) {
    if (step.name == name) return &step;
  }
  return nullptr;
}

/// 6 pairs d n forward for gated experts, 4 for others; every token passes the shared expert.
double expert_flops(const Request& request) {
  const LayerConfig& c = request.config;
  const double per_weight_row = is_gated(c.activation) ? 6.0 : 4.0;
  return per_weight_row * request.max_tokens * c.hidden_dim *
         (c.top_k * c.ffn_dim + c.shared.ffn_dim);
}

TEST(Steps, FlopsSumToSixAndTwelvePairsDN) {
  for (const Algorithm& algorithm : algorithms()) {
    for (const DeviceTraits& traits : devices()) {
      for (const Request& request : requests()) {
        SCOPED_TRACE(algorithm.name + " " + describe(request));
        const Plan plan = algorithm.plan(request, traits);
        const double router =
            2.0 * request.max_tokens * request.config.hidden_dim * request.config.num_experts;
        EXPECT_EQ(find_step(plan.forward, "router_logits")->flops, router);
        EXPECT_EQ(find_step(plan.backward, "d_router")->flops, 2 * router);
        EXPECT_EQ(total_flops(plan.forward), expert_flops(request) + router);
        EXPECT_EQ(total_flops(plan.backward), 2 * expert_flops(request) + 2 * router);
      }
    }
  }
}

TEST(Steps, AFullerRequestCountsFewerRowsWhenItsRoutingIsKnown) {
  Request request = requests().front();
  const double all = total_flops(sonic(request, devices()[0]).forward);
  request.max_rows /= 3;
  const double router =
      2.0 * request.max_tokens * request.config.hidden_dim * request.config.num_experts;
  EXPECT_EQ(total_flops(sonic(request, devices()[0]).forward) - router, (all - router) / 3);
}

TEST(Steps, HaveNamesOfTheirOwnAndMoveBytes) {
  for (const Algorithm& algorithm : algorithms()) {
    for (const Request& request : requests()) {
      const Plan plan = algorithm.plan(request, devices()[0]);
      std::set<std::string> names;
      for (const auto* steps : {&plan.forward, &plan.backward}) {
        for (const Step& step : *steps) {
          EXPECT_FALSE(step.name.empty());
          EXPECT_TRUE(names.insert(step.name).second)
              << algorithm.name << " has " << step.name << " twice";
          EXPECT_GT(step.bytes, 0) << step.name;
        }
      }
    }
  }
}

/// One of the router's two products backward, and two passes over dX, become a term per row.
TEST(Steps, TheRoutersPartOfDXMovesIntoItsSum) {
  const Request request = requests().front();
  const LayerConfig& c = request.config;
  const double token_bytes = 4.0 * request.max_tokens * c.hidden_dim;
  const double router = 2.0 * request.max_tokens * c.hidden_dim * c.num_experts;
  const KernelScratch along{.rounds_d_logits = true, .sums_router_part = true};
  for (const auto algorithm : {grouped_gemm, sonic}) {
    const Plan apart = algorithm(request, devices()[0], {.rounds_d_logits = true});
    const Plan plan = algorithm(request, devices()[0], along);
    const auto step = [](const Plan& p, const char* name) { return *find_step(p.backward, name); };
    EXPECT_EQ(step(plan, "d_router").flops, router);
    EXPECT_EQ(step(apart, "d_router").bytes - step(plan, "d_router").bytes,
              2 * token_bytes + 4.0 * c.num_experts * c.hidden_dim);
    EXPECT_EQ(step(plan, "d_aggregate").flops, 2.0 * request.max_tokens * c.top_k * c.hidden_dim);
    EXPECT_EQ(step(plan, "d_aggregate").bytes - step(apart, "d_aggregate").bytes,
              4.0 * c.num_experts * (c.hidden_dim + request.max_tokens));
  }
}

/// The rows of X take the place of those of dX, which are summed before; those of dO come before
/// them.
TEST(Steps, SonicGathersAgainWhereABackendSaysSo) {
  const Request request = requests().front();
  const Plan fused = sonic(request, devices()[0]);
  const auto first_names = [](const Plan& plan, std::size_t count) {
    std::vector<std::string> names;
    for (const Step& step : plan.backward) names.push_back(step.name);
    names.resize(count);
    return names;
  };
  const Plan x = sonic(request, devices()[0], {.gathers_again = {.x = true}});
  EXPECT_THAT(first_names(x, 6), testing::ElementsAre("d_act", "d_w_down", "d_x_rows",
                                                      "d_aggregate", "d_gather_x", "d_w_up"));
  const Plan both = sonic(request, devices()[0], {.gathers_again = {.d_out = true, .x = true}});
  EXPECT_THAT(first_names(both, 7),
              testing::ElementsAre("d_act", "d_gather_out", "d_w_down", "d_x_rows", "d_aggregate",
                                   "d_gather_x", "d_w_up"));
  for (const auto& [plan, first] : {std::pair{x, "d_x_rows"}, {both, "d_gather_out"}}) {
    EXPECT_EQ(total_flops(plan.backward), total_flops(fused.backward));
    const Buffer& rows = *find_buffer(plan, "d_x_rows");
    const int begin = static_cast<int>(plan.forward.size());
    EXPECT_EQ(plan.backward.at(rows.first_step - begin).name, first);
    EXPECT_EQ(plan.backward.at(rows.last_step - begin).name, "d_w_up");
  }
  // Rows of dO lie beside A' as those of Y do beside A; the router's few bytes come to that.
  EXPECT_EQ(x.workspace_bytes, fused.workspace_bytes);
  EXPECT_LT(both.workspace_bytes, fused.workspace_bytes * 1.02);
  for (const char* step : {"d_gather_out", "d_gather_x"})
    EXPECT_EQ(find_step(fused.backward, step), nullptr);
}

TEST(Steps, RoundingIsOneWhereABackendSaysSo) {
  const auto names = [](const Plan& plan) {
    std::vector<std::string> result;
    for (const Step& step : plan.forward) result.push_back(step.name);
    result.resize(4);
    return result;
  };
  Request request = requests().front();
  const KernelScratch scratch{.permute_bytes = 64, .round_bytes = 101};
  for (RoundingRule rule : {RoundingRule::nearest, RoundingRule::down, RoundingRule::balance}) {
    request.config.rounding = {rule, 16};
    for (const auto& plan :
         {vanilla(request, devices()[0], scratch), grouped_gemm(request, devices()[0], scratch),
          sonic(request, devices()[0], scratch)}) {
      EXPECT_THAT(names(plan), testing::ElementsAre("router_logits", "choose", "round", "permute"));
      EXPECT_EQ(find_buffer(plan, "round_scratch")->bytes, 104u);
      EXPECT_EQ(find_buffer(plan, "rounding_keys"), nullptr);
    }
    const Plan plan = sonic(request, devices()[0]);
    EXPECT_EQ(names(plan)[2], "permute");
    EXPECT_NE(find_buffer(plan, "rounding_keys"), nullptr);
  }
  request.config.rounding.rule = RoundingRule::none;
  const Plan plan = sonic(request, devices()[0], scratch);
  EXPECT_EQ(names(plan)[2], "permute");
  EXPECT_EQ(find_buffer(plan, "round_scratch"), nullptr);
}

TEST(Steps, OnlyVanillaWaitsForTheDevice) {
  for (const Algorithm& algorithm : algorithms()) {
    const Plan plan = algorithm.plan(requests().front(), devices()[0]);
    EXPECT_EQ(plan.waits_for_device, algorithm.name == "vanilla");
    EXPECT_EQ(plan.capturable, algorithm.name != "vanilla");
    EXPECT_TRUE(plan.deterministic);
  }
}

}  // namespace
}  // namespace moe::plan
