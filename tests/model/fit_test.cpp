// The largest batch that fits.
#include "model/published/fit.h"

#include <gtest/gtest.h>

#include "config/presets.h"
#include "plan/requests.h"

namespace moe::model {
namespace {

LayerSetup sonic(const char* preset, std::int64_t tokens) {
  const LayerConfig& config = config::find_preset(preset)->layer;
  return {.plan = plan::sonic(plan::request_for(config, tokens), plan::devices()[0]),
          .states = {.optimizer = Optimizer::none}};
}

TEST(LargestFit, IsTheLastThatFitsOnTheGrid) {
  const auto setup = [](std::int64_t tokens) { return sonic("sonic-7b-n256", tokens); };
  for (const std::int64_t capacity : {std::int64_t{2} << 30, std::int64_t{80'000'000'000}}) {
    const Fit fit = largest_fit(setup, capacity);
    EXPECT_EQ(fit.tokens % 64, 0);
    EXPECT_EQ(fit.bytes, peak(setup(fit.tokens)).total());
    EXPECT_LE(fit.bytes, capacity);
    EXPECT_GT(peak(setup(fit.tokens + 64)).total(), capacity);
    EXPECT_GT(fit.limit.total(), capacity);
    ASSERT_NE(largest_activation(fit.limit), nullptr);
  }
}

TEST(LargestFit, FindsSmallNumbersExactly) {
  const auto setup = [](std::int64_t tokens) { return sonic("sonic-7b-n256", tokens); };
  for (const std::int64_t tokens : {1, 2, 17, 63}) {
    EXPECT_EQ(largest_fit(setup, peak(setup(tokens)).total()).tokens, tokens);
  }
}

TEST(LargestFit, IsNoneWhereStatesAloneAreTooMuch) {
  const auto setup = [](std::int64_t tokens) { return sonic("deepseek-v3", tokens); };
  const Fit fit = largest_fit(setup, 1'000'000'000);
  EXPECT_EQ(fit.tokens, 0);
  EXPECT_GT(fit.bytes, 22'000'000'000);
}

TEST(LargestFit, GrowsWithCapacity) {
  const auto setup = [](std::int64_t tokens) { return sonic("sonic-30b-n512", tokens); };
  std::int64_t before = 0;
  for (std::int64_t gib = 1; gib <= 128; gib *= 2) {
    const Fit fit = largest_fit(setup, gib << 30);
    EXPECT_GE(fit.tokens, before);
    before = fit.tokens;
  }
  EXPECT_GT(before, 0);
}

}  // namespace
}  // namespace moe::model
