// Our own format: every key, every kind of mistake, and the line it is on.
#include "config/toml_config.h"

#include <gmock/gmock.h>

#include "config/messages.h"
#include "config/presets.h"

namespace moe::config {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

ModelConfig read(const std::string& content) {
  return read_toml_config(written("mine.toml", content));
}

/// The message after the folder's path: "mine.toml:3: ...".
std::string refusal(const std::string& content) {
  const std::string message = message_of([&] { read(content); });
  const std::size_t at = message.find("mine.toml");
  return at == std::string::npos ? message : message.substr(at);
}

constexpr const char* kSizes =
    "[layer]\nhidden_dim = 64\nffn_dim = 32\nnum_experts = 8\ntop_k = 2\n";

TEST(TomlConfig, EveryKeyReachesItsField) {
  const ModelConfig config = read_toml_config(MOE_TEST_DATA "/data/every_key.toml");
  EXPECT_EQ(config.name, "mine");
  EXPECT_EQ(config.layer.hidden_dim, 96);
  EXPECT_EQ(config.layer.ffn_dim, 40);
  EXPECT_EQ(config.layer.num_experts, 12);
  EXPECT_EQ(config.layer.top_k, 3);
  EXPECT_EQ(config.layer.activation, Activation::reglu);
  EXPECT_EQ(config.layer.up_layout, UpLayout::interleaved);
  EXPECT_EQ(config.layer.dtype, DType::bf16);
  EXPECT_TRUE(config.layer.expert_bias);
  EXPECT_EQ(config.layer.gate.kind, GateKind::sigmoid);
  EXPECT_FALSE(config.layer.gate.renormalize);
  EXPECT_TRUE(config.layer.gate.selection_bias);
  EXPECT_EQ(config.layer.gate.num_groups, 4);
  EXPECT_EQ(config.layer.gate.kept_groups, 2);
  EXPECT_EQ(config.layer.gate.scale, 1.5f);
  EXPECT_TRUE(config.layer.gate.logit_bias);
  EXPECT_EQ(config.layer.shared.ffn_dim, 80);
  EXPECT_TRUE(config.layer.shared.gated);
  EXPECT_EQ(config.batch_size, 2);
  EXPECT_EQ(config.seq_len, 77);
  EXPECT_EQ(config.num_layers, 9);
  EXPECT_EQ(config.num_dense_layers, 1);
  EXPECT_EQ(config.dense_ffn_dim, 200);
  EXPECT_EQ(config.vocab_size, 1000);
  EXPECT_TRUE(config.tied_embeddings);
  EXPECT_EQ(config.max_context, 8192);
  EXPECT_EQ(config.num_prediction_layers, 2);
  EXPECT_EQ(config.linear.num_layers, 4);
  EXPECT_EQ(config.linear.parameters, 5000);
  EXPECT_EQ(config.linear.state_elements, 600);
}

TEST(TomlConfig, EveryKeyOfAttentionReachesItsField) {
  const ModelConfig config = read_toml_config(MOE_TEST_DATA "/data/every_key.toml");
  const Attention& attention = config.attention;
  EXPECT_EQ(attention.kind, AttentionKind::latent);
  EXPECT_EQ(config.num_attention_layers(), 5);
  EXPECT_EQ(attention.num_heads, 6);
  EXPECT_EQ(attention.num_kv_heads, 3);
  EXPECT_EQ(attention.head_dim, 16);
  EXPECT_TRUE(attention.output_gate);
  EXPECT_EQ(attention.q_lora_rank, 48);
  EXPECT_EQ(attention.kv_lora_rank, 24);
  EXPECT_EQ(attention.qk_rope_head_dim, 4);
  EXPECT_EQ(attention.qk_nope_head_dim, 8);
  EXPECT_EQ(attention.v_head_dim, 12);
  EXPECT_EQ(attention.index.num_heads, 7);
  EXPECT_EQ(attention.index.head_dim, 14);
  EXPECT_EQ(attention.index.top_k, 21);
  EXPECT_EQ(attention.sliding_window, 128);
  EXPECT_EQ(attention.num_sliding_layers, 2);
}

TEST(TomlConfig, SizesAloneAreEnough) {
  const ModelConfig config = read(kSizes);
  EXPECT_EQ(config.name, "mine");
  EXPECT_EQ(config.layer.hidden_dim, 64);
  EXPECT_EQ(config.layer.gate.kind, GateKind::topk_softmax);
  EXPECT_EQ(config.tokens(), 4096);
}

TEST(TomlConfig, ABaseIsOverwrittenKeyByKey) {
  // `base` works wherever it stands among the top keys.
  const ModelConfig config = read(
      "name = \"wide\"\nlayer = { ffn_dim = 1024, gate = { scale = 3 } }\nbase = "
      "\"DeepSeek-V3\"\n");
  EXPECT_EQ(config.name, "wide");
  EXPECT_EQ(config.layer.ffn_dim, 1024);
  EXPECT_EQ(config.layer.gate.scale, 3.0f);
  EXPECT_EQ(config.layer.gate.num_groups, 8);
  EXPECT_EQ(config.layer.num_experts, 256);
  EXPECT_EQ(config.tokens(), 32768);
  EXPECT_THAT(config.source, EndsWith("mine.toml, based on deepseek-v3"));
  EXPECT_EQ(config.note, "");
}

TEST(TomlConfig, ABaseThatIsNotSupportedStaysSo) {
  EXPECT_TRUE(read("base = \"llama-4-scout\"\n").unsupported);
}

TEST(TomlConfig, UnknownKeys) {
  EXPECT_EQ(refusal("base = \"small\"\n[layer]\ntopk = 2\n"),
            "mine.toml:3: unknown [layer] key 'topk'. Did you mean 'top_k'?\n  known: hidden_dim, "
            "ffn_dim, "
            "num_experts, top_k, activation, up_layout, dtype, expert_bias, gate, shared");
  EXPECT_EQ(refusal("base = \"small\"\n\n\n[layers]\n"),
            "mine.toml:4: unknown key 'layers'. Did you mean 'layer'?\n  known: base, name, layer, "
            "batch, "
            "model");
  EXPECT_THAT(refusal("base = \"small\"\n[layer.gate]\nbias = true\n"),
              HasSubstr("mine.toml:3: unknown [layer.gate] key 'bias'\n"));
  EXPECT_THAT(refusal("base = \"small\"\n[batch]\nseqlen = 1\n"), HasSubstr("'seq_len'?"));
}

TEST(TomlConfig, ValuesOfTheWrongType) {
  EXPECT_EQ(refusal("base = \"small\"\n[batch]\nseq_len = \"16k\"\n"),
            "mine.toml:3: 'seq_len' must be a whole number, not of type string");
  EXPECT_THAT(refusal("base = \"small\"\n[layer]\ntop_k = 2.0\n"),
              HasSubstr("not of type floating-point"));
  EXPECT_THAT(refusal("base = \"small\"\n[layer]\ntop_k = true\n"),
              HasSubstr("not of type boolean"));
  EXPECT_THAT(refusal("base = \"small\"\n[layer.gate]\nscale = \"2\"\n"),
              HasSubstr("must be a number"));
  EXPECT_THAT(refusal("base = \"small\"\n[layer.gate]\nscale = true\n"),
              HasSubstr("must be a number"));
  EXPECT_THAT(refusal("base = \"small\"\n[layer.gate]\nrenormalize = 1\n"),
              HasSubstr("true or false"));
  EXPECT_THAT(refusal("base = \"small\"\n[layer]\ndtype = 32\n"),
              HasSubstr("'dtype' must be a string"));
  EXPECT_THAT(refusal("layer = 3\n"), HasSubstr("mine.toml:1: 'layer' must be a table"));
  EXPECT_THAT(refusal("base = 3\n"), HasSubstr("mine.toml:1: 'base' must be a string"));
}

TEST(TomlConfig, UnknownNamesInValues) {
  EXPECT_EQ(refusal("base = \"deepsek-v3\"\n"),
            "mine.toml:1: unknown base 'deepsek-v3'. Did you mean 'deepseek-v3'?\n"
            "  `bench_moe_variants list configs` prints the presets");
  EXPECT_EQ(refusal("base = \"small\"\n[layer]\nactivation = \"swiglo\"\n"),
            "mine.toml:3: unknown activation 'swiglo'. Did you mean 'swiglu'?\n  known: swiglu, "
            "clamped_swiglu, geglu, geglu_tanh, reglu, silu, gelu, gelu_tanh, relu2");
}

TEST(TomlConfig, MissingSizes) {
  EXPECT_EQ(refusal("[layer]\nhidden_dim = 64\nffn_dim = 32\nnum_experts = 8\n"),
            "mine.toml: 'top_k' in [layer] is missing\n"
            "  set it, or start from a preset with base = \"NAME\"");
  EXPECT_THAT(refusal(""), HasSubstr("'hidden_dim' in [layer] is missing"));
}

TEST(TomlConfig, ImpossibleShapesAndBrokenFiles) {
  EXPECT_THAT(refusal("base = \"small\"\n[layer]\ntop_k = 16\n"),
              HasSubstr("mine.toml: --top-k 16 is larger than --num-experts 8"));
  EXPECT_THAT(refusal("base = \"small\"\n[layer]\ntop_k = 0\n"),
              HasSubstr("--top-k 0: at least 1"));
  EXPECT_THAT(refusal("base = \"small\"\n[layer\ntop_k = 0\n"),
              HasSubstr("mine.toml:2: not valid TOML"));
  EXPECT_THAT(refusal("name = \"a\"\nname = \"b\"\n"), HasSubstr("mine.toml:2: not valid TOML"));
  // Ten million nested tables would end the process.
  std::string deep = "name = \"a\"\n";
  for (int i = 0; i < 10'000'000; ++i) deep += "a.";
  EXPECT_THAT(refusal(deep + "a = 1\n"), HasSubstr("larger than 16 MiB"));
  EXPECT_EQ(refusal(deep.substr(0, 3000) + "a = 1\n"),
            "mine.toml:2: a line of 2994 bytes, the most is 2048");
  EXPECT_THAT(message_of([] { read_toml_config("/nonexistent.toml"); }),
              HasSubstr("cannot read /nonexistent.toml: No such file"));
}

}  // namespace
}  // namespace moe::config
