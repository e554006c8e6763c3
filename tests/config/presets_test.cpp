// The values that users rely on, and the promise that every preset is valid or says why not.
#include "config/presets.h"

#include <gmock/gmock.h>

#include <set>
#include <tuple>

#include "config/validate.h"

namespace moe::config {
namespace {

// name, T, d, n, E, K
using Row =
    std::tuple<const char*, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;

void expect_shape(const Row& row) {
  const auto& [name, tokens, hidden_dim, ffn_dim, num_experts, top_k] = row;
  SCOPED_TRACE(name);
  const ModelConfig* config = find_preset(name);
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->tokens(), tokens);
  EXPECT_EQ(config->layer.hidden_dim, hidden_dim);
  EXPECT_EQ(config->layer.ffn_dim, ffn_dim);
  EXPECT_EQ(config->layer.num_experts, num_experts);
  EXPECT_EQ(config->layer.top_k, top_k);
}

TEST(Presets, StandardShapesAreExact) {
  expect_shape({"small", 16 * 256, 1024, 4096, 8, 2});
  expect_shape({"medium", 32 * 512, 4096, 14336, 64, 4});
  expect_shape({"large", 32 * 2048, 7168, 14336, 256, 8});
  EXPECT_EQ(find_preset("small")->batch_size, 16);
  EXPECT_EQ(find_preset("medium")->batch_size, 32);
  EXPECT_EQ(find_preset("large")->seq_len, 2048);
  for (const char* name : {"small", "medium", "large"}) {
    EXPECT_EQ(find_preset(name)->layer.gate.kind, GateKind::topk_softmax);
    EXPECT_EQ(find_preset(name)->layer.activation, Activation::swiglu);
  }
  EXPECT_THAT(find_preset("large")->note,
              testing::AllOf(testing::HasSubstr("2048"), testing::HasSubstr("deepseek-v3")));
}

TEST(Presets, OnlySmallIsFloat32) {
  for (const ModelConfig& config : presets()) {
    EXPECT_EQ(config.layer.dtype, config.name == "small" ? DType::f32 : DType::bf16) << config.name;
  }
}

TEST(Presets, PaperShapesAreExact) {
  const Row rows[] = {
      {"sonic-1.4b-n256", 40960, 768, 256, 128, 8},
      {"sonic-1.4b-n512", 40960, 768, 512, 64, 4},
      {"sonic-1.4b-n1024", 40960, 768, 1024, 32, 2},
      {"sonic-7b-n256", 24576, 1536, 256, 128, 8},
      {"sonic-7b-n512", 24576, 1536, 512, 64, 4},
      {"sonic-7b-n1024", 24576, 1536, 1024, 32, 2},
      {"sonic-30b-n256", 32768, 4096, 256, 256, 16},
      {"sonic-30b-n512", 32768, 4096, 512, 128, 8},
      {"sonic-30b-n1024", 32768, 4096, 1024, 64, 4},
      {"sonic-120b-n512", 32768, 4096, 512, 256, 16},
      {"sonic-120b-n1024", 32768, 4096, 1024, 128, 8},
      {"sonic-120b-n2048", 32768, 4096, 2048, 64, 4},
      {"sparse", 16384, 4096, 1024, 256, 8},
      {"qwen3-235b", 32768, 4096, 1536, 128, 8},
  };
  for (const Row& row : rows) expect_shape(row);
}

TEST(Presets, DeepSeekV3HasTheModelsOwnValues) {
  expect_shape({"deepseek-v3", 32768, 7168, 2048, 256, 8});
  const ModelConfig& config = *find_preset("deepseek-v3");
  EXPECT_EQ(config.layer.gate.kind, GateKind::sigmoid);
  EXPECT_TRUE(config.layer.gate.selection_bias);
  EXPECT_TRUE(config.layer.gate.renormalize);
  EXPECT_EQ(config.layer.gate.num_groups, 8);
  EXPECT_EQ(config.layer.gate.kept_groups, 4);
  EXPECT_EQ(config.layer.gate.scale, 2.5f);
  EXPECT_EQ(config.layer.shared.ffn_dim, 2048);
  EXPECT_EQ(config.num_layers, 61);
  EXPECT_EQ(config.num_dense_layers, 3);
  EXPECT_EQ(config.attention.kind, AttentionKind::latent);
  EXPECT_EQ(config.attention.index.num_heads, 0);
  EXPECT_EQ(find_preset("deepseek-r1"), &config);
  EXPECT_EQ(find_preset("deepseek-v3.2")->attention.index.top_k, 2048);
}

TEST(Presets, DecodingOnesAreTheModelsLayersOfFewTokens) {
  for (const auto& [name, model] : {std::pair{"decode-deepseek-v3", "deepseek-v3"},
                                    std::pair{"decode-qwen3-235b", "qwen3-235b-a22b"}}) {
    const ModelConfig& decoding = *find_preset(name);
    EXPECT_EQ(decoding.tokens(), 64) << name;
    EXPECT_EQ(decoding.layer.num_experts, find_preset(model)->layer.num_experts) << name;
    EXPECT_EQ(decoding.layer.gate.kind, find_preset(model)->layer.gate.kind) << name;
    EXPECT_EQ(decoding.layer.shared.ffn_dim, find_preset(model)->layer.shared.ffn_dim) << name;
  }
}

TEST(Presets, OtherGatesOfRealModels) {
  const Gate& v2 = find_preset("deepseek-v2")->layer.gate;
  EXPECT_EQ(v2.kind, GateKind::softmax_topk);
  EXPECT_FALSE(v2.renormalize);
  EXPECT_EQ(std::tuple(v2.num_groups, v2.kept_groups, v2.scale), std::tuple(8, 3, 16.0f));
  EXPECT_EQ(find_preset("kimi-k2")->layer.gate.num_groups, 1);
  EXPECT_TRUE(find_preset("qwen3-next")->layer.shared.gated);
  EXPECT_FALSE(find_preset("olmoe-1b-7b")->layer.gate.renormalize);
  EXPECT_EQ(find_preset("nemotron-3-nano")->layer.activation, Activation::relu2);
}

TEST(Presets, EveryOneIsValidOrSaysWhyNot) {
  for (const ModelConfig& config : presets()) {
    EXPECT_NO_THROW(validate(config)) << config.name;
    EXPECT_FALSE(config.source.empty()) << config.name;
    if (config.unsupported) {
      EXPECT_GT(config.unsupported->size(), 20u) << config.name;
    }
  }
  for (const char* name : {"llama-4-scout", "llama-4-maverick", "nemotron-3-super",
                           "deepseek-v4-flash", "deepseek-v4-pro"}) {
    ASSERT_NE(find_preset(name), nullptr) << name;
    EXPECT_TRUE(find_preset(name)->unsupported) << name;
  }
}

TEST(Presets, NamesAreUniqueAndLowerCase) {
  std::set<std::string> seen;
  for (const std::string& name : preset_names()) {
    EXPECT_TRUE(seen.insert(name).second) << name << " twice";
    EXPECT_EQ(name.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_ "), std::string::npos) << name;
    EXPECT_NE(find_preset(name), nullptr) << name;
  }
}

TEST(Presets, AreFoundByAliasAndInAnyCase) {
  EXPECT_EQ(find_preset("Qwen3-235B"), find_preset("qwen3-235b-a22b"));
  EXPECT_THAT(aliases("DeepSeek-V3"), testing::Contains("deepseek-r1"));
  EXPECT_TRUE(aliases("small").empty());
  EXPECT_TRUE(aliases("nonsense").empty());
  EXPECT_EQ(find_preset("nonsense"), nullptr);
}

}  // namespace
}  // namespace moe::config
