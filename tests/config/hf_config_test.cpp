// config.json files with the field names and values of the real models, and every way in which such
// a file can be wrong.
#include "config/hf_config.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "config/messages.h"
#include "config/presets.h"

namespace moe::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

ModelConfig read(const std::string& content) {
  return read_hf_config(written("config.json", content));
}

std::string refusal(const std::string& content) {
  return message_of([&] { read(content); });
}

/// A small valid file of that family; `more` is text like R"(, "key": 1)" that overwrites and adds
/// fields.
std::string mixtral(const std::string& more = "") {
  return R"({"model_type": "mixtral", "hidden_size": 64, "intermediate_size": 32,
             "num_local_experts": 8, "num_experts_per_tok": 2, "num_hidden_layers": 4)" +
         more + "}";
}

std::string qwen3_moe(const std::string& more = "") {
  return R"({"model_type": "qwen3_moe", "hidden_size": 64, "moe_intermediate_size": 32,
             "num_experts": 8, "num_experts_per_tok": 2, "num_hidden_layers": 12)" +
         more + "}";
}

std::string deepseek(const std::string& version, const std::string& more = "") {
  return R"({"model_type": "deepseek_)" + version +
         R"(", "hidden_size": 64, "moe_intermediate_size": 32,
             "n_routed_experts": 16, "num_experts_per_tok": 2, "num_hidden_layers": 12)" +
         more + "}";
}

void expect_same_layer(const ModelConfig& read, const ModelConfig& preset) {
  EXPECT_EQ(read.layer.hidden_dim, preset.layer.hidden_dim);
  EXPECT_EQ(read.layer.ffn_dim, preset.layer.ffn_dim);
  EXPECT_EQ(read.layer.num_experts, preset.layer.num_experts);
  EXPECT_EQ(read.layer.top_k, preset.layer.top_k);
  EXPECT_EQ(read.layer.activation, preset.layer.activation);
  EXPECT_EQ(read.layer.dtype, preset.layer.dtype);
  EXPECT_EQ(read.layer.gate.kind, preset.layer.gate.kind);
  EXPECT_EQ(read.layer.gate.renormalize, preset.layer.gate.renormalize);
  EXPECT_EQ(read.layer.gate.selection_bias, preset.layer.gate.selection_bias);
  EXPECT_EQ(read.layer.gate.num_groups, preset.layer.gate.num_groups);
  EXPECT_EQ(read.layer.gate.kept_groups, preset.layer.gate.kept_groups);
  EXPECT_EQ(read.layer.gate.scale, preset.layer.gate.scale);
  EXPECT_EQ(read.layer.shared.ffn_dim, preset.layer.shared.ffn_dim);
  EXPECT_EQ(read.layer.shared.gated, preset.layer.shared.gated);
  EXPECT_EQ(read.unsupported, preset.unsupported);
}

void expect_same_model(const ModelConfig& read, const ModelConfig& preset) {
  EXPECT_EQ(read.num_layers, preset.num_layers);
  EXPECT_EQ(read.num_dense_layers, preset.num_dense_layers);
  EXPECT_EQ(read.dense_ffn_dim, preset.dense_ffn_dim);
  EXPECT_EQ(read.vocab_size, preset.vocab_size);
  EXPECT_EQ(read.tied_embeddings, preset.tied_embeddings);
  EXPECT_EQ(read.max_context, preset.max_context);
  EXPECT_EQ(read.num_prediction_layers, preset.num_prediction_layers);
  const Attention &a = read.attention, &b = preset.attention;
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(read.num_attention_layers(), preset.num_attention_layers());
  EXPECT_EQ(a.num_heads, b.num_heads);
  EXPECT_EQ(a.num_kv_heads, b.num_kv_heads);
  EXPECT_EQ(a.head_dim, b.head_dim);
  EXPECT_EQ(a.output_gate, b.output_gate);
  EXPECT_EQ(a.q_lora_rank, b.q_lora_rank);
  EXPECT_EQ(a.kv_lora_rank, b.kv_lora_rank);
  EXPECT_EQ(a.qk_rope_head_dim, b.qk_rope_head_dim);
  EXPECT_EQ(a.qk_nope_head_dim, b.qk_nope_head_dim);
  EXPECT_EQ(a.v_head_dim, b.v_head_dim);
  EXPECT_EQ(a.index.num_heads, b.index.num_heads);
  EXPECT_EQ(a.index.head_dim, b.index.head_dim);
  EXPECT_EQ(a.index.top_k, b.index.top_k);
  EXPECT_EQ(a.sliding_window, b.sliding_window);
  EXPECT_EQ(a.num_sliding_layers, b.num_sliding_layers);
  EXPECT_EQ(read.linear.num_layers, preset.linear.num_layers);
  EXPECT_EQ(read.linear.parameters, preset.linear.parameters);
  EXPECT_EQ(read.linear.state_elements, preset.linear.state_elements);
}

ModelConfig read_real(const std::string& name) {
  return read_hf_config(std::string(MOE_TEST_DATA "/data/") + name + "/config.json");
}

class RealModel : public testing::TestWithParam<const char*> {};

TEST_P(RealModel, AgreesWithItsPreset) {
  const ModelConfig config = read_real(GetParam());
  expect_same_layer(config, *find_preset(GetParam()));
  expect_same_model(config, *find_preset(GetParam()));
  EXPECT_EQ(config.name, GetParam());
  EXPECT_EQ(config.tokens(), 4096);
  EXPECT_THAT(config.not_understood, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    HfConfig, RealModel,
    testing::Values("mixtral-8x7b", "mixtral-8x22b", "dbrx", "deepseek-v2", "deepseek-v2-lite",
                    "deepseek-v3", "deepseek-v3.2-exp", "kimi-k2", "kimi-linear-48b-a3b",
                    "qwen3-30b-a3b", "qwen3-235b-a22b", "qwen3-next-80b-a3b", "qwen3.5-397b-a17b",
                    "gpt-oss-20b", "gpt-oss-120b", "olmoe-1b-7b", "glm-4.5", "glm-4.5-air", "glm-5",
                    "minimax-m2", "llama-4-scout", "llama-4-maverick", "nemotron-3-nano",
                    "granite-3-1b-a400m", "granite-3-3b-a800m", "granite-4.0-h-small"),
    [](const auto& info) {
      std::string name = info.param;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
      return name;
    });

TEST(HfConfig, TheNameIsTheFoldersOrTheFiles) {
  EXPECT_EQ(read_hf_config(written("my-model.json", mixtral())).name, "my-model");
}

TEST(HfConfig, DefaultsOfEachFamily) {
  EXPECT_FALSE(read(qwen3_moe()).layer.gate.renormalize);
  const ModelConfig v2 = read(deepseek("v2"));
  EXPECT_EQ(v2.layer.gate.kind, GateKind::softmax_topk);
  EXPECT_EQ(v2.layer.gate.num_groups, 1);
  EXPECT_FALSE(v2.layer.gate.renormalize);
  EXPECT_EQ(v2.layer.shared.ffn_dim, 64);
  EXPECT_EQ(v2.num_dense_layers, 0);
  const ModelConfig v3 = read(deepseek("v3"));
  EXPECT_EQ(v3.layer.gate.kind, GateKind::sigmoid);
  EXPECT_TRUE(v3.layer.gate.selection_bias);
  EXPECT_EQ(v3.layer.gate.scale, 2.5f);
  EXPECT_EQ(v3.layer.shared.ffn_dim, 32);
  EXPECT_EQ(v3.num_dense_layers, 3);
  EXPECT_EQ(v3.layer.gate.num_groups, 8);
  EXPECT_EQ(v3.layer.gate.kept_groups, 4);
}

TEST(HfConfig, DenseLayers) {
  EXPECT_EQ(read(qwen3_moe()).num_dense_layers, 0);
  EXPECT_EQ(read(qwen3_moe(R"(, "decoder_sparse_step": 2)")).num_dense_layers, 6);
  EXPECT_EQ(read(qwen3_moe(R"(, "decoder_sparse_step": 5)")).num_dense_layers, 10);
  // Layers 0 and 3; 99 does not exist, and 0 is listed twice.
  EXPECT_EQ(read(qwen3_moe(R"(, "mlp_only_layers": [0, 3, 0, 99])")).num_dense_layers, 2);
  // With step 2, layers 1, 3, 5 ... have experts: listing 0 changes nothing, listing 1 takes one
  // away.
  EXPECT_EQ(
      read(qwen3_moe(R"(, "decoder_sparse_step": 2, "mlp_only_layers": [0, 1])")).num_dense_layers,
      7);
  EXPECT_EQ(read(deepseek("v3", R"(, "first_k_dense_replace": 0)")).num_dense_layers, 0);
  // Layers 3, 6 and 9 of 12 have experts.
  EXPECT_EQ(
      read(deepseek("v3", R"(, "first_k_dense_replace": 1, "moe_layer_freq": 3)")).num_dense_layers,
      9);
}

TEST(HfConfig, NewerFieldNames) {
  const std::string renamed =
      R"({"model_type": "qwen3_moe", "hidden_size": 64, "moe_intermediate_size": 32,
          "num_local_experts": 8, "num_experts_per_tok": 2, "num_hidden_layers": 12,
          "dtype": "float32"})";
  EXPECT_EQ(read(renamed).layer.num_experts, 8);
  EXPECT_EQ(read(renamed).layer.dtype, DType::f32);
}

TEST(HfConfig, HalfPrecisionIsTaken) {
  const ModelConfig half = read(mixtral(R"(, "torch_dtype": "float16")"));
  EXPECT_EQ(half.layer.dtype, DType::f16);
  EXPECT_EQ(half.note, "");
}

TEST(HfConfig, TypesThatAreNotOurs) {
  const ModelConfig eight = read(mixtral(R"(, "torch_dtype": "float8_e4m3fn")"));
  EXPECT_EQ(eight.layer.dtype, DType::bf16);
  EXPECT_THAT(eight.note, HasSubstr("float8_e4m3fn"));
  EXPECT_THAT(read(mixtral(R"(, "quantization_config": {})")).note, HasSubstr("quantized"));
  EXPECT_EQ(read(mixtral(R"(, "quantization_config": null)")).note, "");
}

TEST(HfConfig, GatesOfDeepSeek) {
  const ModelConfig greedy = read(deepseek(
      "v3",
      R"(, "topk_method": "greedy", "n_group": 8, "topk_group": 4, "norm_topk_prob": false)"));
  EXPECT_FALSE(greedy.layer.gate.selection_bias);
  EXPECT_FALSE(greedy.layer.gate.renormalize);
  EXPECT_EQ(greedy.layer.gate.num_groups, 1);
  const Gate normalized =
      read(deepseek("v2", R"(, "norm_topk_prob": true, "routed_scaling_factor": 16)")).layer.gate;
  EXPECT_TRUE(normalized.renormalize);
  EXPECT_EQ(normalized.scale, 1.0f);  // this family scales only what it does not renormalize
  EXPECT_EQ(read(deepseek("v3", R"(, "n_shared_experts": 0)")).layer.shared.ffn_dim, 0);
  EXPECT_EQ(read(deepseek("v3", R"(, "n_shared_experts": null)")).layer.shared.ffn_dim, 0);
}

TEST(HfConfig, HiddenActIsTheFunctionOfTheGate) {
  const auto activation = [](const std::string& name) {
    const ModelConfig config = read(mixtral(R"(, "hidden_act": ")" + name + "\""));
    EXPECT_FALSE(config.unsupported) << name;
    return config.layer.activation;
  };
  EXPECT_EQ(activation("silu"), Activation::swiglu);
  EXPECT_EQ(activation("gelu"), Activation::geglu);
  EXPECT_EQ(activation("gelu_new"), Activation::geglu_tanh);
  EXPECT_EQ(activation("gelu_pytorch_tanh"), Activation::geglu_tanh);
  EXPECT_EQ(activation("relu"), Activation::reglu);
}

TEST(HfConfig, LayersThatCannotBeExpressed) {
  EXPECT_THAT(read(mixtral(R"(, "hidden_act": "quick_gelu")")).unsupported.value_or(""),
              HasSubstr("'quick_gelu'"));
  EXPECT_THAT(read(deepseek("v3", R"(, "scoring_func": "sqrtsoftplus")")).unsupported.value_or(""),
              HasSubstr("scoring_func 'sqrtsoftplus' with topk_method 'noaux_tc'"));
  EXPECT_TRUE(
      read(deepseek("v2", R"(, "scoring_func": "sigmoid", "topk_method": "group_limited_greedy")"))
          .unsupported);
}

TEST(HfConfig, UnreadableFiles) {
  EXPECT_THAT(message_of([] { read_hf_config("/nonexistent/config.json"); }),
              HasSubstr("cannot read /nonexistent/config.json: No such file or directory"));
  EXPECT_THAT(message_of([] { read_hf_config(MOE_TEST_DATA "/data/deepseek-v3"); }),
              HasSubstr("it is a folder"));
  EXPECT_THAT(message_of([] { read_hf_config("/dev/zero"); }), HasSubstr("larger than 16 MiB"));
}

TEST(HfConfig, FilesThatAreNotJson) {
  EXPECT_THAT(
      refusal(mixtral().substr(0, 40)),
      HasSubstr(
          "config.json:1: not valid JSON: the file ends at byte 40 in the middle of a value"));
  EXPECT_THAT(refusal(""), HasSubstr("not valid JSON: the file ends at byte 0"));
  EXPECT_THAT(refusal("{\n\"a\": 1,\n\"b\": oops\n}"),
              HasSubstr("config.json:3: not valid JSON: unexpected text at byte 16"));
  EXPECT_THAT(refusal("{\"a\": 1e999}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal("[1, 2]"),
              HasSubstr("not a model's config.json: its top level is of type array"));
  EXPECT_THAT(refusal(std::string(100000, '[')), HasSubstr("not valid JSON"));
}

TEST(HfConfig, ModelsWithoutExperts) {
  EXPECT_THAT(
      refusal(R"({"model_type": "llama", "hidden_size": 4096})"),
      HasSubstr(
          "config.json: not an MoE model: model_type 'llama', and no field speaks of experts"));
  EXPECT_THAT(refusal("{}"), HasSubstr("not an MoE model: no model_type"));
  EXPECT_THAT(refusal(R"({"model_type": 3})"), HasSubstr("field 'model_type' must be a string"));
}

TEST(HfConfig, FamiliesThatAreNotReadYet) {
  const std::string message = refusal(R"({"model_type": "longcat", "n_routed_experts": 512})");
  EXPECT_THAT(message, HasSubstr("this MoE family is not read yet: model_type 'longcat'"));
  EXPECT_THAT(message, HasSubstr("mixtral, phimoe"));
  EXPECT_THAT(message, HasSubstr("qwen2_moe, qwen3_moe"));
  EXPECT_THAT(message, HasSubstr("deepseek_v2, deepseek_v3, deepseek_v32, kimi_k2"));
  EXPECT_THAT(refusal(R"({"model_type": "mllama", "text_config": {"num_local_experts": 16}})"),
              HasSubstr("not read yet"));
}

TEST(HfConfig, MissingFields) {
  EXPECT_THAT(refusal(R"({"model_type": "mixtral", "hidden_size": 64, "num_experts_per_tok": 2,
                          "num_hidden_layers": 4, "intermediate_size": 32})"),
              HasSubstr("config.json: field 'num_local_experts' is missing"));
  EXPECT_THAT(refusal(mixtral(R"(, "hidden_size": null)")),
              HasSubstr("field 'hidden_size' is missing"));
}

TEST(HfConfig, FieldsOfTheWrongType) {
  EXPECT_THAT(
      refusal(mixtral(R"(, "num_experts_per_tok": "2")")),
      HasSubstr(
          "config.json: field 'num_experts_per_tok' must be a whole number, not of type string"));
  EXPECT_THAT(refusal(mixtral(R"(, "hidden_size": 64.5)")),
              HasSubstr("'hidden_size' must be a whole number"));
  EXPECT_THAT(refusal(mixtral(R"(, "hidden_size": true)")), HasSubstr("not of type boolean"));
  EXPECT_THAT(refusal(mixtral(R"(, "hidden_act": 1)")), HasSubstr("'hidden_act' must be a string"));
  EXPECT_THAT(refusal(qwen3_moe(R"(, "norm_topk_prob": 1)")), HasSubstr("must be true or false"));
  EXPECT_THAT(refusal(qwen3_moe(R"(, "mlp_only_layers": 3)")),
              HasSubstr("must be a list of whole numbers"));
  EXPECT_THAT(refusal(deepseek("v3", R"(, "routed_scaling_factor": "2")")),
              HasSubstr("must be a number"));
}

TEST(HfConfig, AbsurdValues) {
  EXPECT_THAT(refusal(mixtral(R"(, "num_local_experts": -8)")),
              HasSubstr("field 'num_local_experts' is -8: it must be from 1 to 16777216"));
  EXPECT_THAT(refusal(mixtral(R"(, "hidden_size": 0)")), HasSubstr("field 'hidden_size' is 0"));
  EXPECT_THAT(refusal(mixtral(R"(, "hidden_size": 18446744073709551615)")),
              HasSubstr("field 'hidden_size' is 18446744073709551615"));
  EXPECT_THAT(refusal(mixtral(R"(, "num_experts_per_tok": 16)")),
              HasSubstr("config.json: --top-k 16 is larger than --num-experts 8"));
  EXPECT_THAT(refusal(deepseek("v3", R"(, "n_group": 3)")),
              HasSubstr("cannot be split into 3 groups"));
  EXPECT_THAT(refusal(deepseek("v3", R"(, "first_k_dense_replace": 99)")),
              HasSubstr("no layer with experts"));
  EXPECT_THAT(refusal(deepseek("v3", R"(, "routed_scaling_factor": 0)")),
              HasSubstr("gate.scale 0"));
}

}  // namespace
}  // namespace moe::config
