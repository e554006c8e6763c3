// Families without a preset, each by a file with its real field names and values; and what becomes
// of fields that no reader asks for.
#include <gmock/gmock.h>

#include <string>

#include "config/hf_config.h"
#include "config/messages.h"

namespace moe::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ModelConfig read_real(const std::string& name) {
  ModelConfig config = read_hf_config(std::string(MOE_TEST_DATA "/data/") + name + "/config.json");
  EXPECT_THAT(config.not_understood, IsEmpty()) << name;
  return config;
}

/// [d], [n], [E], [K]
void expect_sizes(const LayerConfig& layer, std::int64_t hidden_dim, std::int64_t ffn_dim,
                  std::int64_t num_experts, std::int64_t top_k) {
  EXPECT_EQ(layer.hidden_dim, hidden_dim);
  EXPECT_EQ(layer.ffn_dim, ffn_dim);
  EXPECT_EQ(layer.num_experts, num_experts);
  EXPECT_EQ(layer.top_k, top_k);
}

TEST(HfFamilies, Qwen2Moe) {
  const ModelConfig config = read_real("qwen1.5-moe-a2.7b");
  expect_sizes(config.layer, 2048, 1408, 60, 4);
  EXPECT_EQ(config.layer.gate.kind, GateKind::softmax_topk);
  EXPECT_FALSE(config.layer.gate.renormalize);
  EXPECT_EQ(config.layer.shared.ffn_dim, 5632);
  EXPECT_TRUE(config.layer.shared.gated);
  EXPECT_EQ(config.attention.sliding_window, 0);  // given, but not used
  EXPECT_FALSE(config.unsupported);
}

TEST(HfFamilies, HunyuanGivesListsWithOneSizePerLayer) {
  const ModelConfig config = read_real("hunyuan-a13b");
  expect_sizes(config.layer, 4096, 3072, 64, 8);
  EXPECT_EQ(config.layer.gate.kind, GateKind::softmax_topk);
  EXPECT_TRUE(config.layer.gate.renormalize);
  EXPECT_EQ(config.layer.shared.ffn_dim, 3072);
  EXPECT_FALSE(config.layer.shared.gated);
  EXPECT_TRUE(config.tied_embeddings);
  EXPECT_FALSE(config.unsupported);
  const auto with_topk = [](const std::string& list) {
    return message_of([&] {
      parse_hf_config(R"({"model_type": "hunyuan_v1_moe", "hidden_size": 64, "num_experts": 8,
        "intermediate_size": 32, "num_hidden_layers": 2, "moe_topk": )" +
                          list + "}",
                      "config.json");
    });
  };
  EXPECT_THAT(with_topk("[2, 3]"),
              HasSubstr("field 'moe_topk' must be the same size for every layer"));
  EXPECT_THAT(with_topk("[]"), HasSubstr("'moe_topk' must be the same size"));
  EXPECT_THAT(with_topk("[2, \"2\"]"), HasSubstr("must be a whole number"));
}

TEST(HfFamilies, ErnieHasABiasedSoftmaxGate) {
  const ModelConfig config = read_real("ernie-4.5-21b-a3b");
  expect_sizes(config.layer, 2560, 1536, 64, 6);
  EXPECT_EQ(config.layer.shared.ffn_dim, 2 * 1536);
  EXPECT_EQ(config.num_layers, 28);
  EXPECT_EQ(config.num_dense_layers, 1);
  EXPECT_EQ(config.dense_ffn_dim, 12288);
  EXPECT_EQ(config.attention.head_dim, 128);
  EXPECT_THAT(config.unsupported.value_or(""), HasSubstr("selection bias"));
}

TEST(HfFamilies, Dots1) {
  const ModelConfig config = read_real("dots.llm1");
  expect_sizes(config.layer, 4096, 1408, 128, 6);
  EXPECT_EQ(config.layer.gate.kind, GateKind::sigmoid);
  EXPECT_TRUE(config.layer.gate.selection_bias);
  EXPECT_TRUE(config.layer.gate.renormalize);
  EXPECT_EQ(config.layer.gate.num_groups, 1);
  EXPECT_EQ(config.layer.gate.scale, 2.5f);
  EXPECT_EQ(config.layer.shared.ffn_dim, 2816);
  EXPECT_EQ(config.num_dense_layers, 1);
  EXPECT_FALSE(config.unsupported);
}

TEST(HfFamilies, LingChoosesFromGroups) {
  const ModelConfig config = read_real("ling-mini-2.0");
  expect_sizes(config.layer, 2048, 512, 256, 8);
  EXPECT_EQ(config.layer.gate.kind, GateKind::sigmoid);
  EXPECT_TRUE(config.layer.gate.selection_bias);
  EXPECT_EQ(config.layer.gate.num_groups, 8);
  EXPECT_EQ(config.layer.gate.kept_groups, 4);
  EXPECT_EQ(config.layer.shared.ffn_dim, 512);
  EXPECT_EQ(config.num_dense_layers, 1);
  EXPECT_FALSE(config.unsupported);
}

TEST(HfFamilies, PhiMoeHasARouterOfItsOwn) {
  const ModelConfig config = read_real("phi-3.5-moe");
  expect_sizes(config.layer, 4096, 6400, 16, 2);
  EXPECT_THAT(config.unsupported.value_or(""), HasSubstr("SparseMixer"));
  EXPECT_EQ(config.attention.sliding_window, 0);  // as long as the context: none
  EXPECT_THAT(config.not_modelled, Contains("router noise of training"));
}

TEST(HfFamilies, JambaHasMambaInSevenOfEightLayers) {
  const ModelConfig config = read_real("jamba-v0.1");
  expect_sizes(config.layer, 4096, 14336, 16, 2);
  EXPECT_EQ(config.layer.gate.kind, GateKind::softmax_topk);
  EXPECT_FALSE(config.layer.gate.renormalize);
  EXPECT_EQ(config.num_layers, 32);
  EXPECT_EQ(config.num_dense_layers, 16);
  EXPECT_EQ(config.dense_ffn_dim, 14336);
  EXPECT_EQ(config.num_attention_layers(), 4);
  EXPECT_EQ(config.linear.num_layers, 28);
  EXPECT_FALSE(config.unsupported);
}

TEST(HfFamilies, MiniMaxTextHasLightningAttentionInSevenOfEightLayers) {
  const ModelConfig config = read_real("minimax-text-01");
  expect_sizes(config.layer, 6144, 9216, 32, 2);
  EXPECT_EQ(config.layer.gate.kind, GateKind::topk_softmax);
  EXPECT_EQ(config.num_attention_layers(), 10);
  EXPECT_EQ(config.linear.num_layers, 70);
}

TEST(HfFamilies, ArcticIsDescribedButNotSupported) {
  const ModelConfig arctic = read_real("arctic");
  expect_sizes(arctic.layer, 7168, 4864, 128, 2);
  EXPECT_EQ(arctic.layer.shared.ffn_dim, 7168);
  EXPECT_TRUE(arctic.unsupported);
}

TEST(HfFamilies, GptOssHasBiasesAndAClampedSwigluOfInterleavedRows) {
  const ModelConfig config = read_real("gpt-oss-20b");
  expect_sizes(config.layer, 2880, 2880, 32, 4);
  EXPECT_EQ(config.layer.activation, Activation::clamped_swiglu);
  EXPECT_EQ(config.layer.up_layout, UpLayout::interleaved);
  EXPECT_TRUE(config.layer.expert_bias);
  EXPECT_TRUE(config.layer.gate.logit_bias);
  EXPECT_FALSE(config.unsupported);
}

TEST(HfFamilies, GrokGatesByGelu) {
  const ModelConfig grok = read_real("grok-1");
  expect_sizes(grok.layer, 6144, 32768, 8, 2);
  EXPECT_EQ(grok.layer.activation, Activation::geglu_tanh);
  EXPECT_FALSE(grok.unsupported);
}

TEST(HfFamilies, VariationsOfGates) {
  const auto dbrx = [](const std::string& norm) {
    return parse_hf_config(R"({"model_type": "dbrx", "d_model": 64, "n_layers": 2, "ffn_config":
      {"ffn_hidden_size": 32, "moe_num_experts": 8, "moe_top_k": 2)" +
                               norm + "}}",
                           "config.json");
  };
  EXPECT_TRUE(dbrx("").layer.gate.renormalize);
  EXPECT_FALSE(dbrx(R"(, "moe_normalize_expert_weights": null)").layer.gate.renormalize);
  EXPECT_THAT(dbrx(R"(, "moe_normalize_expert_weights": 2)").unsupported.value_or(""),
              HasSubstr("2-norm"));
  EXPECT_EQ(dbrx(R"(, "ffn_act_fn": {"name": "gelu"})").layer.activation, Activation::geglu);
  EXPECT_THAT(dbrx(R"(, "ffn_act_fn": {"name": "elu"})").unsupported.value_or(""),
              HasSubstr("name 'elu'"));
}

TEST(HfFamilies, FieldsThatNobodyReadAreSorted) {
  const ModelConfig config = parse_hf_config(
      R"({"model_type": "mixtral", "hidden_size": 64, "intermediate_size": 32,
          "num_local_experts": 8, "num_experts_per_tok": 2, "num_hidden_layers": 4,
          "eos_token_id": 2, "rope_theta": 1e6, "rope_scaling": {"factor": 2},
          "router_jitter_noise": 0.1, "expert_twist": 3, "another": "x",
          "use_nothing": false, "nor_this": 0, "nor_that": []})",
      "config.json");
  EXPECT_THAT(config.not_modelled, ElementsAre("rotary positions", "router noise of training"));
  EXPECT_THAT(config.not_understood, ElementsAre("another", "expert_twist"));
}

}  // namespace
}  // namespace moe::config
