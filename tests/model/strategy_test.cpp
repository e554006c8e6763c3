// What strategies save and cost.
#include "model/layer/strategy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/presets.h"
#include "model/layer/layer_cost.h"
#include "moe/error.h"
#include "plan/requests.h"

namespace moe::model {
namespace {

using testing::HasSubstr;

constexpr DeviceTraits kBare{.num_cores = 1, .alignment = 1};
constexpr Rates kRates{1e12, 1e11, 1e10, 1e9};

Plan make_plan(std::string_view variant, const Request& request) {
  for (const plan::Algorithm& algorithm : plan::algorithms()) {
    if (algorithm.name == variant) return algorithm.plan(request, kBare);
  }
  ADD_FAILURE() << variant;
  return {};
}

const StrategyContext kContext{make_plan, 1, kRates};

Request shape() {
  const ModelConfig& model = *config::find_preset("sonic-7b-n256");
  return plan::request_for(model.layer, model.tokens());
}

LayerSetup setup_of(std::string_view variant) {
  return {.plan = make_plan(variant, shape())};
}

Changed changed(const char* strategy, std::string_view variant) {
  return apply(parse_strategy(strategy), variant, setup_of(variant), kContext);
}

std::int64_t rows() {
  return shape().max_rows;
}
std::int64_t d() {
  return shape().config.hidden_dim;
}
std::int64_t n() {
  return shape().config.ffn_dim;
}

TEST(StrategyNames, AreReadBack) {
  for (const Strategy& strategy : all_strategies()) {
    EXPECT_EQ(to_string(parse_strategy(to_string(strategy))), to_string(strategy));
  }
  EXPECT_EQ(parse_strategy("zero:2:16").parts, 16);
  EXPECT_EQ(parse_strategy("zero:2:16").zero_stage, 2);
}

TEST(StrategyNames, RefuseWhatIsNone) {
  for (const char* wrong : {"chunk", "chunk:", "chunk:1", "chunk:x", "chunk:4:4", "offload:2",
                            "zero:1", "zero:4:8", "zero:1:0", "", "chunk:99999999999999999999"}) {
    EXPECT_THROW(parse_strategy(wrong), Error) << wrong;
  }
  try {
    parse_strategy("ofload");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.what(), HasSubstr("Did you mean 'offload'?"));
  }
}

TEST(Strategy, MemoryMinimalKeepsNeitherGatheredXNorANorY) {
  const Changed minimal = changed("memory-minimal", "grouped_gemm");
  EXPECT_TRUE(minimal.implemented);
  EXPECT_EQ(held_bytes(setup_of("grouped_gemm")) - held_bytes(minimal.setup),
            2 * rows() * (2 * d() + n()));
  EXPECT_LT(minimal.price.memory_bytes, 0) << "it moves less, too";
  EXPECT_FALSE(changed("memory-minimal", "sonic").not_applicable.empty());
}

TEST(Strategy, RecomputeActivationSavesAForOnePassOverH) {
  for (const char* variant : {"vanilla", "grouped_gemm"}) {
    const Changed again = changed("recompute-activation", variant);
    EXPECT_EQ(held_bytes(setup_of(variant)) - held_bytes(again.setup), 2 * rows() * n());
    EXPECT_DOUBLE_EQ(again.price.memory_bytes, 2.0 * static_cast<double>(rows() * 3 * n()));
    EXPECT_LE(peak(again.setup).total(), peak(setup_of(variant)).total());
  }
  EXPECT_FALSE(changed("recompute-activation", "sonic").not_applicable.empty());
}

TEST(Strategy, InPlaceDhSavesOneTensorOfTheSizeOfHInBackward) {
  const Changed sonic = changed("in-place-dh", "sonic");
  ASSERT_TRUE(sonic.without.has_value());
  EXPECT_TRUE(sonic.implemented);
  EXPECT_EQ(composition(*sonic.without, Phase::backward).total() -
                composition(sonic.setup, Phase::backward).total(),
            2 * rows() * 2 * n());
  const Changed grouped = changed("in-place-dh", "grouped_gemm");
  EXPECT_FALSE(grouped.implemented);
  EXPECT_GT(peak(setup_of("grouped_gemm")).total(), peak(grouped.setup).total());
}

TEST(Strategy, RecomputeLayerKeepsXForAThirdMoreArithmetic) {
  const Changed again = changed("recompute-layer", "sonic");
  EXPECT_EQ(held_bytes(setup_of("sonic")) - held_bytes(again.setup), 2 * rows() * 2 * n());
  const Plan plan = setup_of("sonic").plan;
  EXPECT_DOUBLE_EQ(again.price.flops, forward_work(plan).flops);
  EXPECT_NEAR(again.price.flops / (forward_work(plan).flops + backward_work(plan).flops), 1.0 / 3,
              1e-9);
}

TEST(Strategy, ChunksShrinkTransientsAndReadWeightsAgain) {
  const LayerSetup whole = setup_of("sonic");
  const Changed four = changed("chunk:4", "sonic");
  EXPECT_TRUE(four.implemented);
  EXPECT_EQ(four.setup.tokens(), whole.tokens());
  EXPECT_EQ(four.setup.plan.workspace_bytes * 4, whole.plan.workspace_bytes);
  EXPECT_NEAR(static_cast<double>(held_bytes(four.setup)), static_cast<double>(held_bytes(whole)),
              1e4);
  EXPECT_GT(four.price.memory_bytes, 3.0 * static_cast<double>(weight_bytes(shape().config)));
  EXPECT_GT(four.price.seconds, 0);
  EXPECT_THAT(changed("chunk:7", "sonic").not_applicable, HasSubstr("no multiple of 7"));
}

TEST(Strategy, Fp8HalvesSavedTensorsButForTheirScales) {
  const Changed small = changed("fp8-activations", "sonic");
  const double h = 2.0 * static_cast<double>(rows() * 2 * n());
  EXPECT_NEAR(static_cast<double>(held_bytes(setup_of("sonic")) - held_bytes(small.setup)),
              h * (1 - 0.5 * (1 + 4.0 / 128)), 1);
}

TEST(Strategy, OffloadMovesWhatWasHeldThereAndBack) {
  const LayerSetup setup = setup_of("sonic");
  const Changed away = changed("offload", "sonic");
  const auto moved = static_cast<double>(held_bytes(setup) - held_bytes(away.setup));
  EXPECT_DOUBLE_EQ(moved, 2.0 * static_cast<double>(setup.tokens() * d() + rows() * 2 * n()));
  EXPECT_DOUBLE_EQ(away.price.host_bytes, 2 * moved);
  EXPECT_DOUBLE_EQ(away.price.seconds, 2 * moved / kRates.host_bytes);
  StrategyContext host = kContext;
  host.rates.host_bytes = 0;
  EXPECT_FALSE(apply(parse_strategy("offload"), "sonic", setup, host).not_applicable.empty());
}

TEST(Strategy, ExpertParallelismDividesExpertsAndSendsTokens) {
  const LayerSetup setup = setup_of("sonic");
  const Changed eight = changed("expert-parallel:8", "sonic");
  EXPECT_EQ(layer_states(eight.setup).experts.weights * 8, layer_states(setup).experts.weights);
  // K = 8 experts on 8 ranks: 7 (1 - (7/8)^8) = 4.595 copies of a token leave.
  const double sent = 4.595 * 2 * static_cast<double>(setup.tokens() * d());
  EXPECT_NEAR(eight.price.link_bytes / (4 * sent), 1, 1e-3);
  EXPECT_EQ(peak(eight.setup).of(Part::communication), eight.setup.communication_bytes);
  EXPECT_FALSE(changed("expert-parallel:256", "sonic").not_applicable.empty());
}

TEST(Strategy, ZeroDividesStatesByStage) {
  const LayerSetup setup = setup_of("sonic");
  const Composition before = peak(setup);
  for (const int stage : {1, 2, 3}) {
    const std::string name = "zero:" + std::to_string(stage) + ":8";
    const Composition after = peak(changed(name.c_str(), "sonic").setup);
    const auto divided = [&](Part part) {
      return static_cast<double>(before.of(part)) / static_cast<double>(after.of(part));
    };
    EXPECT_NEAR(divided(Part::optimizer), 8, 1e-6);
    EXPECT_NEAR(divided(Part::gradients), stage >= 2 ? 8 : 1, 1e-6);
    EXPECT_NEAR(divided(Part::expert_weights), stage >= 3 ? 8 : 1, 1e-6);
  }
}

TEST(Strategy, NoneEverNeedsMoreButForCommunication) {
  for (const plan::Algorithm& algorithm : plan::algorithms()) {
    for (const Request& request : plan::requests()) {
      const LayerSetup setup{.plan = algorithm.plan(request, kBare)};
      for (const Strategy& strategy : all_strategies()) {
        const Changed after = apply(strategy, algorithm.name, setup, kContext);
        if (!after.not_applicable.empty()) continue;
        const LayerSetup& before = after.without ? *after.without : setup;
        SCOPED_TRACE(algorithm.name + " " + to_string(strategy) + " " + plan::describe(request));
        EXPECT_LE(held_bytes(after.setup), held_bytes(before));
        EXPECT_LE(peak(after.setup).total() - peak(after.setup).of(Part::communication),
                  peak(before).total());
      }
    }
  }
}

}  // namespace
}  // namespace moe::model
