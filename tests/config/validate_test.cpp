// Each rule refuses what it forbids, in words that name the flag, and accepts the nearest legal
// value.
#include "config/validate.h"

#include <gmock/gmock.h>

#include <functional>
#include <limits>

#include "config/messages.h"
#include "config/presets.h"

namespace moe::config {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using Change = std::function<void(ModelConfig&)>;

std::string refusal(const Change& change, const char* preset = "small") {
  ModelConfig config = *find_preset(preset);
  change(config);
  return message_of([&] { validate(config); });
}

void expect_valid(const Change& change, const char* preset = "small") {
  ModelConfig config = *find_preset(preset);
  change(config);
  EXPECT_NO_THROW(validate(config));
}

TEST(Validate, TopKAboveNumExperts) {
  EXPECT_THAT(refusal([](ModelConfig& c) { c.layer.top_k = 16; }),
              StartsWith("--top-k 16 is larger than --num-experts 8\n"));
  expect_valid([](ModelConfig& c) { c.layer.top_k = 8; });
}

TEST(Validate, InterleavedRowsOfUpNeedAGate) {
  const auto interleave = [](Activation activation) -> Change {
    return [activation](ModelConfig& c) {
      c.layer.up_layout = UpLayout::interleaved;
      c.layer.activation = activation;
    };
  };
  EXPECT_EQ(refusal(interleave(Activation::silu)),
            "--up-layout interleaved: silu has no gate for up to stand in turns with\n  use "
            "--up-layout concatenated, or a gated --activation");
  expect_valid(interleave(Activation::reglu));
}

TEST(Validate, SizesBelowOne) {
  const std::pair<const char*, Change> cases[] = {
      {"--hidden-dim", [](ModelConfig& c) { c.layer.hidden_dim = 0; }},
      {"--ffn-dim", [](ModelConfig& c) { c.layer.ffn_dim = 0; }},
      {"--num-experts", [](ModelConfig& c) { c.layer.num_experts = 0; }},
      {"--top-k", [](ModelConfig& c) { c.layer.top_k = 0; }},
      {"--tile", [](ModelConfig& c) { c.layer.rounding.tile = 0; }},
      {"--batch-size", [](ModelConfig& c) { c.batch_size = 0; }},
      {"--seq-len", [](ModelConfig& c) { c.seq_len = 0; }},
      {"gate.num_groups", [](ModelConfig& c) { c.layer.gate.num_groups = 0; }},
      {"gate.kept_groups", [](ModelConfig& c) { c.layer.gate.kept_groups = 0; }},
      {"model.num_layers", [](ModelConfig& c) { c.num_layers = 0; }},
  };
  for (const auto& [name, change] : cases) {
    EXPECT_THAT(refusal(change), StartsWith(std::string(name) + " 0: at least 1 is needed"));
  }
  EXPECT_THAT(refusal([](ModelConfig& c) { c.layer.hidden_dim = -5; }),
              HasSubstr("--hidden-dim -5"));
  EXPECT_THAT(refusal([](ModelConfig& c) { c.layer.shared.ffn_dim = -1; }),
              StartsWith("shared.ffn_dim -1: at least 0"));
}

TEST(Validate, SmallestAndOddSizesAreFine) {
  expect_valid([](ModelConfig& c) {
    c.layer.hidden_dim = c.layer.ffn_dim = c.layer.num_experts = c.layer.top_k = 1;
    c.batch_size = c.seq_len = c.layer.rounding.tile = 1;
  });
  expect_valid([](ModelConfig& c) { c.layer.hidden_dim = 4099, c.layer.ffn_dim = 37; });
}

TEST(Validate, Groups) {
  EXPECT_THAT(refusal([](ModelConfig& c) { c.layer.num_experts = 100; }, "deepseek-v3"),
              StartsWith("--num-experts 100 cannot be split into 8 groups of equal size"));
  EXPECT_THAT(refusal([](ModelConfig& c) { c.layer.gate.kept_groups = 9; }, "deepseek-v3"),
              StartsWith("gate.kept_groups 9 is larger than gate.num_groups 8"));
  EXPECT_THAT(
      refusal([](ModelConfig& c) { c.layer.top_k = 129; }, "deepseek-v3"),
      StartsWith("--top-k 129 is larger than the 128 experts that the gate may choose from"));
  expect_valid([](ModelConfig& c) { c.layer.top_k = 128; }, "deepseek-v3");
}

TEST(Validate, Gate) {
  EXPECT_THAT(refusal([](ModelConfig& c) { c.layer.gate.renormalize = false; }),
              StartsWith("gate.renormalize is false"));
  EXPECT_THAT(refusal([](ModelConfig& c) { c.layer.gate.selection_bias = true; }),
              StartsWith("gate.selection_bias needs gate.kind sigmoid, not topk_softmax"));
  for (float scale : {0.0f, -1.0f, std::numeric_limits<float>::infinity(),
                      std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_THAT(refusal([=](ModelConfig& c) { c.layer.gate.scale = scale; }),
                StartsWith("gate.scale "));
  }
}

TEST(Validate, TypeSharedExpertAndLayers) {
  EXPECT_THAT(refusal([](ModelConfig& c) { c.layer.dtype = DType::f64; }),
              StartsWith("--dtype fp64"));
  EXPECT_THAT(refusal([](ModelConfig& c) { c.layer.shared.gated = true; }),
              StartsWith("shared.gated"));
  EXPECT_THAT(refusal([](ModelConfig& c) { c.num_dense_layers = c.num_layers; }),
              StartsWith("model.num_dense_layers 1 of model.num_layers 1"));
}

TEST(Validate, RowNumbersFitInt32) {
  EXPECT_THAT(refusal([](ModelConfig& c) { c.batch_size = c.seq_len = 65536; }),
              StartsWith("--batch-size 65536 x --seq-len 65536 is 4294967296 tokens"));
  const Change two_to_the_31 = [](ModelConfig& c) { c.batch_size = 1 << 18, c.seq_len = 1 << 12; };
  EXPECT_THAT(refusal(two_to_the_31), HasSubstr("can make 2147483648 routed rows"));
  expect_valid([](ModelConfig& c) { c.batch_size = (1 << 18) - 1, c.seq_len = 1 << 12; });
  // Rounding up adds rows: what fits without it does not fit with it.
  EXPECT_THAT(refusal([](ModelConfig& c) {
                c.batch_size = (1 << 18) - 1, c.seq_len = 1 << 12;
                c.layer.rounding = {RoundingRule::up, 1 << 20};
              }),
              HasSubstr("routed rows"));
}

TEST(Validate, HugeSizesNeitherOverflowNorPass) {
  const std::int64_t largest = std::numeric_limits<std::int32_t>::max();
  EXPECT_THAT(refusal([](ModelConfig& c) { c.layer.hidden_dim = std::int64_t{1} << 31; }),
              StartsWith("--hidden-dim 2147483648: no size may be above 2147483647"));
  EXPECT_THAT(
      refusal([](ModelConfig& c) { c.batch_size = std::numeric_limits<std::int64_t>::max(); }),
      StartsWith("--batch-size "));
  EXPECT_THAT(refusal([=](ModelConfig& c) { c.layer.hidden_dim = c.layer.ffn_dim = largest; }),
              StartsWith("expert weights"));
  EXPECT_THAT(refusal([=](ModelConfig& c) {
                c.batch_size = 1, c.seq_len = largest / 2, c.layer.num_experts = largest,
                c.layer.hidden_dim = 1, c.layer.ffn_dim = 1;
              }),
              StartsWith("router logits"));
  EXPECT_THAT(refusal([=](ModelConfig& c) {
                c.batch_size = c.seq_len = c.layer.num_experts = c.layer.top_k = largest;
                c.layer.rounding = {RoundingRule::up, largest};
              }),
              HasSubstr("tokens"));
}

TEST(Validate, AFilesNameComesFirst) {
  ModelConfig config = *find_preset("small");
  config.layer.top_k = 9;
  EXPECT_THAT(message_of([&] { validate(config, "my.toml"); }),
              StartsWith("my.toml: --top-k 9 is larger than --num-experts 8"));
}

TEST(Validate, SizesOfAttentionThatItsKindNeeds) {
  const auto latent = [](ModelConfig& c) { c.attention.kind = AttentionKind::latent; };
  EXPECT_THAT(refusal(latent), StartsWith("attention.num_heads 0: at least 1"));
  EXPECT_THAT(refusal([](ModelConfig& c) { c.attention.kv_lora_rank = 0; }, "deepseek-v3"),
              StartsWith("attention.kv_lora_rank 0: at least 1"));
  EXPECT_THAT(refusal([](ModelConfig& c) { c.attention.head_dim = 0; }, "mixtral-8x7b"),
              StartsWith("attention.head_dim 0: at least 1"));
  expect_valid([](ModelConfig& c) { c.attention.q_lora_rank = 0; }, "deepseek-v3");
  EXPECT_THAT(refusal([](ModelConfig& c) { c.attention.index.top_k = 0; }, "deepseek-v3.2"),
              StartsWith("attention.index.top_k 0: at least 1"));
  EXPECT_THAT(refusal([](ModelConfig& c) { c.vocab_size = -1; }),
              StartsWith("model.vocab_size -1: at least 0"));
}

TEST(Validate, HeadsThatCannotShareKeys) {
  EXPECT_THAT(refusal([](ModelConfig& c) { c.attention.num_kv_heads = 5; }, "mixtral-8x7b"),
              StartsWith("attention.num_heads 32 cannot share attention.num_kv_heads 5 equally"));
  expect_valid([](ModelConfig& c) { c.attention.num_kv_heads = 1; }, "mixtral-8x7b");
}

TEST(Validate, LayersOfAttentionAndOfWhatTakesItsPlace) {
  EXPECT_THAT(refusal([](ModelConfig& c) { c.attention.num_sliding_layers = 37; }, "gpt-oss-120b"),
              StartsWith("attention.num_sliding_layers 37 of 36 layers with attention"));
  EXPECT_THAT(refusal([](ModelConfig& c) { c.attention.sliding_window = 0; }, "gpt-oss-120b"),
              HasSubstr("attention.sliding_window is not"));
  EXPECT_THAT(refusal([](ModelConfig& c) { c.attention.num_layers = 0; }, "qwen3-next"),
              HasSubstr("attention.num_layers is not"));
  EXPECT_THAT(refusal([](ModelConfig& c) { c.linear.parameters = 0; }, "qwen3-next"),
              StartsWith("linear.parameters 0: at least 1"));
}

}  // namespace
}  // namespace moe::config
