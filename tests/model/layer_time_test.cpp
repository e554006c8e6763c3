// Rooflines of plans.
#include "model/layer/layer_time.h"

#include <gtest/gtest.h>

#include "model/layer/layer_cost.h"
#include "moe/error.h"
#include "setups.h"

namespace moe::model {
namespace {

TEST(Roofline, IsThePlansArithmeticWhereNothingElseLimits) {
  const LayerConfig config = config::load_config("mixtral-8x7b").layer;
  const std::int64_t tokens = 32768;
  const Rates endless_memory{1e15, 1e30};
  const LayerTimes times = roofline("sonic+rounding", config, tokens, true, {endless_memory});
  const LayerFlops flops = layer_flops(config, tokens, tokens * config.top_k);
  EXPECT_NEAR(times.forward_s, flops.forward / 1e15, 0.001 * times.forward_s);  // and the router
  EXPECT_NEAR(times.backward_s, flops.backward / 1e15, 0.001 * times.backward_s);
}

TEST(Roofline, UnroundedVariantsPayForHalfFilledTiles) {
  const LayerConfig config = config::load_config("deepseek-v3").layer;
  const Rates endless_memory{1e15, 1e30};
  const auto forward_s = [&](const std::string& variant) {
    return roofline(variant, config, 16384, true, {endless_memory}).forward_s;
  };
  // 512 rows per expert: 127 / 2 / 512.
  EXPECT_NEAR(forward_s("sonic") / forward_s("sonic+rounding"), 1 + 127.0 / 1024, 1e-9);
}

// Our measurement of PyTorch's loop on an H200: 35 + 62 ms, where grouped products take 10.
TEST(Roofline, TheLoopPaysForEveryExpert) {
  const LayerConfig config = config::load_config("sonic-7b-n256").layer;
  const LayerRates rates{kernel_rates(gpu_preset("h200"), default_factors().base), 1, 0.55e-3};
  const LayerTimes loop = roofline("vanilla", config, 24576, true, rates);
  const LayerTimes grouped = roofline("grouped_gemm", config, 24576, true, rates);
  EXPECT_NEAR(loop.total_s() - grouped.total_s(), 128 * 0.55e-3, 1e-9);
  EXPECT_GT(loop.backward_s, loop.forward_s);
}

TEST(Roofline, SonicMovesFewerBytesThanGroupedGemm) {
  const LayerConfig config = config::load_config("qwen3-30b-a3b").layer;
  const Rates endless_arithmetic{1e30, 1e12};
  const auto total_s = [&](const std::string& variant) {
    return roofline(variant, config, 16384, true, {endless_arithmetic}).total_s();
  };
  EXPECT_LT(total_s("sonic"), total_s("grouped_gemm"));
}

TEST(RankShare, HoldsItsExpertsAndRefusesUnevenOnes) {
  const LayerConfig config = config::load_config("deepseek-v3").layer;
  EXPECT_EQ(rank_share(config, 64).num_experts, 4);
  EXPECT_THROW(rank_share(config, 24), Error);
}

TEST(PlanOf, RefusesUnknownVariants) {
  EXPECT_THROW(plan_of("sonik", config::load_config("small").layer, 128, true), Error);
}

TEST(GpuRates, NeedEightBitArithmeticInHardware) {
  EXPECT_THROW(gpu_rates(gpu_preset("a100"), default_factors().base, true), Error);
  EXPECT_GT(gpu_rates(gpu_preset("h100"), default_factors().base, true).flops,
            gpu_rates(gpu_preset("h100"), default_factors().base, false).flops);
}

}  // namespace
}  // namespace moe::model
