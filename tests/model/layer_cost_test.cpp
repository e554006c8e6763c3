// Arithmetic and memory of layers, against figures known from outside.
#include "model/layer/layer_cost.h"

#include <gtest/gtest.h>

#include "config/presets.h"

namespace moe::model {
namespace {

LayerConfig layer_of(const char* preset) {
  return config::find_preset(preset)->layer;
}

// 18 T K d n of the project's own shape (issue 3: a float32 pass of it is 618 GFLOP).
TEST(LayerFlops, SwigluIsSixAndTwelve) {
  const LayerFlops flops = layer_flops(layer_of("small"), 4096, 4096 * 2);
  EXPECT_EQ(flops.forward, 6.0 * 4096 * 2 * 1024 * 4096);
  EXPECT_EQ(flops.backward, 12.0 * 4096 * 2 * 1024 * 4096);
  EXPECT_NEAR(flops.forward + flops.backward, 618.5e9, 0.1e9);
}

TEST(LayerFlops, UngatedIsFourAndEight) {
  LayerConfig config{.hidden_dim = 10, .ffn_dim = 7, .num_experts = 4, .top_k = 2};
  config.activation = Activation::relu2;
  const LayerFlops flops = layer_flops(config, 3, 6);
  EXPECT_EQ(flops.forward, 4.0 * 6 * 10 * 7);
  EXPECT_EQ(flops.backward, 8.0 * 6 * 10 * 7);
}

TEST(LayerFlops, CountsThePairsThatAreGiven) {
  const LayerConfig config{.hidden_dim = 8, .ffn_dim = 4, .num_experts = 4, .top_k = 2};
  EXPECT_EQ(layer_flops(config, 100, 150).forward, 6.0 * 150 * 8 * 4);
  EXPECT_EQ(layer_flops(config, 100, 0).backward, 0.0);
}

TEST(LayerFlops, EveryTokenPassesTheSharedExpert) {
  const LayerConfig v3 = layer_of("deepseek-v3");
  const double pairs = 32768.0 * 8 + 32768;  // its shared expert is as wide as a routed one
  EXPECT_EQ(layer_flops(v3, 32768, 32768 * 8).forward, 6.0 * pairs * 7168 * 2048);
}

// gpt-oss-20b has 2880 x 2880 experts: 3 d n weights, 2n + d biases.
TEST(LayerParameters, CountTheBiasesOfExperts) {
  LayerConfig config{.hidden_dim = 2880, .ffn_dim = 2880, .num_experts = 32, .top_k = 4};
  const std::int64_t without = layer_parameters(config);
  config.expert_bias = true;
  EXPECT_EQ(layer_parameters(config) - without, 32 * (2 * 2880 + 2880));
  EXPECT_EQ(expert_parameters(config, 1), 3 * 2880 * 2880 + 3 * 2880);
}

TEST(LayerParameters, MatchPublishedModels) {
  EXPECT_EQ(layer_parameters(layer_of("mixtral-8x7b")), 1'409'286'144 + 8 * 4096);
  EXPECT_EQ(layer_parameters(layer_of("deepseek-v3")),
            257LL * 3 * 7168 * 2048 + 256 * 7168);  // 256 + 1 experts and the router
  EXPECT_EQ(layer_parameters(layer_of("qwen3-next")),
            513LL * 3 * 2048 * 512 + 512 * 2048 + 2048);  // the shared expert's own gate
}

// OpenAI's model card of gpt-oss: 114.71 B and 19.12 B parameters in the MLPs of 36 and 24 layers.
TEST(LayerParameters, OfGptOssAreThoseOfItsCard) {
  EXPECT_NEAR(36.0 * layer_parameters(layer_of("gpt-oss-120b")), 114.71e9, 0.005e9);
  EXPECT_NEAR(24.0 * layer_parameters(layer_of("gpt-oss-20b")), 19.12e9, 0.005e9);
}

// DeepSeek-V3's paper: 671 B parameters in all, of which 58 such layers are 656.6 B.
TEST(LayerParameters, DeepSeekV3LayersMakeMostOfTheModel) {
  EXPECT_NEAR(58.0 * layer_parameters(layer_of("deepseek-v3")), 656.6e9, 0.1e9);
}

TEST(WeightBytes, AreTwoPerParameterInBfloat16) {
  const LayerConfig v3 = layer_of("deepseek-v3");
  const std::size_t experts = 256ull * 3 * 7168 * 2048 * 2;
  EXPECT_NEAR(static_cast<double>(experts), 22.5e9, 0.1e9);
  const std::size_t rest = 3ull * 7168 * 2048 * 2 + 256 * 7168 * 2;
  EXPECT_EQ(weight_bytes(v3), experts + rest + 256 * 4) << "the selection bias is float32";
  EXPECT_EQ(gradient_bytes(v3), experts + rest) << "and has no gradient";
}

TEST(WeightBytes, AreFourPerParameterInFloat32) {
  const LayerConfig small = layer_of("small");
  EXPECT_EQ(weight_bytes(small), (8ull * 3 * 1024 * 4096 + 8 * 1024) * 4);
  EXPECT_EQ(gradient_bytes(small), weight_bytes(small));
}

}  // namespace
}  // namespace moe::model
