// Layers of published models. `source` says where the values were read; "recalled" marks those that
// were not read in a file and want checking against the model's own config.json before they are
// quoted. That holds for attention, vocabulary and context of all of them; together with the layers
// they add up to the published numbers of parameters (tests/model).
#include <array>
#include <string_view>

#include "config/linear_mixers.h"
#include "config/preset_tables.h"

namespace moe::config {
namespace {

struct Sizes {
  std::int64_t hidden_dim, ffn_dim, num_experts, top_k;  // [d], [n], [E], [K]
};

struct Layers {
  std::int64_t all, dense;
};

struct Model {
  std::string_view name;
  std::array<std::string_view, 2> aliases{};
  Sizes sizes;
  Activation activation = Activation::swiglu;
  UpLayout up_layout = UpLayout::concatenated;
  Gate gate;
  bool expert_bias = false;
  SharedExpert shared{};
  Layers layers;
  std::int64_t dense_ffn_dim = 0;
  Attention attention{};
  LinearMixer linear{};
  std::int64_t vocab_size = 0;
  bool tied_embeddings = false;
  std::int64_t max_context = 0;
  std::int64_t num_prediction_layers = 0;
  std::int64_t batch_size = 1;  // of 4096 tokens each
  std::string_view source;
  std::string_view note{};
  std::string_view unsupported{};
};

constexpr Gate softmax_of_chosen() {
  return {};
}

constexpr Gate softmax_of_all(bool renormalize, float scale = 1) {
  return {.kind = GateKind::softmax_topk, .renormalize = renormalize, .scale = scale};
}

constexpr Gate biased_sigmoid(float scale = 1) {
  return {.kind = GateKind::sigmoid, .selection_bias = true, .scale = scale};
}

constexpr Gate with_bias(Gate gate) {
  gate.logit_bias = true;
  return gate;
}

constexpr Gate in_groups(Gate gate, std::int64_t num_groups, std::int64_t kept_groups) {
  gate.num_groups = num_groups;
  gate.kept_groups = kept_groups;
  return gate;
}

constexpr Attention grouped_query(std::int64_t num_heads, std::int64_t num_kv_heads,
                                  std::int64_t head_dim, std::int64_t num_layers = 0) {
  return {.kind = AttentionKind::grouped_query,
          .num_layers = num_layers,
          .num_heads = num_heads,
          .num_kv_heads = num_kv_heads,
          .head_dim = head_dim};
}

constexpr Attention sliding(Attention attention, std::int64_t window, std::int64_t num_layers) {
  attention.sliding_window = window;
  attention.num_sliding_layers = num_layers;
  return attention;
}

constexpr Attention output_gated(Attention attention) {
  attention.output_gate = true;
  return attention;
}

/// MLA with the head sizes of DeepSeek and Kimi.
constexpr Attention latent(std::int64_t num_heads, std::int64_t q_lora_rank,
                           std::int64_t num_layers = 0) {
  return {.kind = AttentionKind::latent,
          .num_layers = num_layers,
          .num_heads = num_heads,
          .q_lora_rank = q_lora_rank,
          .kv_lora_rank = 512,
          .qk_rope_head_dim = 64,
          .qk_nope_head_dim = 128,
          .v_head_dim = 128};
}

constexpr Attention sparse(Attention attention, SparseIndex index) {
  attention.index = index;
  return attention;
}

constexpr Attention kGlm5Attention = {.kind = AttentionKind::latent,
                                      .num_heads = 64,
                                      .q_lora_rank = 2048,
                                      .kv_lora_rank = 512,
                                      .qk_rope_head_dim = 64,
                                      .qk_nope_head_dim = 192,
                                      .v_head_dim = 256,
                                      .index = {32, 128, 2048}};

constexpr std::string_view kLlama4Reason =
    "the sigmoid score scales the expert's input, not its output, which LayerConfig cannot say";
constexpr std::string_view kDeepSeekV4Reason =
    "its first MoE layers route by a hash of the token id, scores are sqrt(softplus), SwiGLU is "
    "clamped";

// clang-format off
constexpr Model kModels[] = {
    {.name = "mixtral-8x7b",
     .sizes = {4096, 14336, 8, 2}, .gate = softmax_of_chosen(),
     .layers = {32, 0},
     .attention = grouped_query(32, 8, 128), .vocab_size = 32000, .max_context = 32768,
     .source = "NVIDIA/Megatron-LM examples/mixtral; number of layers recalled"},
    {.name = "mixtral-8x22b",
     .sizes = {6144, 16384, 8, 2}, .gate = softmax_of_chosen(),
     .layers = {56, 0},
     .attention = grouped_query(48, 8, 128), .vocab_size = 32768, .max_context = 65536,
     .source = "ratios d/n and K/E from the SonicMoE article, sizes derived; number of layers "
               "recalled"},
    {.name = "dbrx",
     .sizes = {6144, 10752, 16, 4}, .gate = softmax_of_all(true),
     .layers = {40, 0},
     .attention = grouped_query(48, 8, 128), .vocab_size = 100352, .max_context = 32768,
     .source = "recalled"},

    {.name = "deepseek-v2",
     .sizes = {5120, 1536, 160, 6}, .gate = in_groups(softmax_of_all(false, 16), 8, 3),
     .shared = {3072}, .layers = {60, 1},
     .dense_ffn_dim = 12288, .attention = latent(128, 1536),
     .vocab_size = 102400, .max_context = 163840,
     .source = "deepseek-ai/DeepSeek-V3 config_236B.json; no renormalization recalled",
     .note = "two shared experts of 1536 are one of 3072"},
    {.name = "deepseek-v2-lite",
     .sizes = {2048, 1408, 64, 6}, .gate = softmax_of_all(false),
     .shared = {2816}, .layers = {27, 1},
     .dense_ffn_dim = 10944, .attention = latent(16, 0),
     .vocab_size = 102400, .max_context = 163840,
     .source = "deepseek-ai/DeepSeek-V3 config_16B.json, NVIDIA/Megatron-LM; no renormalization "
               "recalled",
     .note = "two shared experts of 1408 are one of 2816"},
    {.name = "deepseek-v3", .aliases = {"deepseek-r1", "deepseek-v3.1"},
     .sizes = {7168, 2048, 256, 8}, .gate = in_groups(biased_sigmoid(2.5f), 8, 4),
     .shared = {2048}, .layers = {61, 3},
     .dense_ffn_dim = 18432, .attention = latent(128, 1536),
     .vocab_size = 129280, .max_context = 163840, .num_prediction_layers = 1,
     .batch_size = 8,
     .source = "deepseek-ai/DeepSeek-V3 config_671B.json"},
    {.name = "deepseek-v3.2-exp", .aliases = {"deepseek-v3.2"},
     .sizes = {7168, 2048, 256, 8}, .gate = in_groups(biased_sigmoid(2.5f), 8, 4),
     .shared = {2048}, .layers = {61, 3},
     .dense_ffn_dim = 18432, .attention = sparse(latent(128, 1536), {64, 128, 2048}),
     .vocab_size = 129280, .max_context = 163840, .num_prediction_layers = 1,
     .batch_size = 8,
     .source = "deepseek-ai/DeepSeek-V3 config_671B.json; sparse attention recalled",
     .note = "the MoE layer is that of deepseek-v3; the attention is sparse"},
    {.name = "deepseek-v4-flash",
     .sizes = {4096, 2048, 256, 6}, .gate = biased_sigmoid(),
     .layers = {1, 0},
     .source = "flashinfer moe_ep_runbook.md (sizes)",
     .note = "one layer: gate and depth of the model are not recorded here",
     .unsupported = kDeepSeekV4Reason},
    {.name = "deepseek-v4-pro",
     .sizes = {7168, 3072, 384, 6}, .gate = biased_sigmoid(),
     .layers = {1, 0},
     .source = "flashinfer moe_ep_runbook.md (sizes)",
     .note = "one layer: gate and depth of the model are not recorded here",
     .unsupported = kDeepSeekV4Reason},

    {.name = "kimi-k2", .aliases = {"kimi-k2.5", "kimi-k2.6"},
     .sizes = {7168, 2048, 384, 8}, .gate = biased_sigmoid(2.827f),
     .shared = {2048}, .layers = {61, 1},
     .dense_ffn_dim = 18432, .attention = latent(64, 1536),
     .vocab_size = 163840, .max_context = 131072,
     .source = "NVIDIA/Megatron-LM modelopt Kimi-K2 conf"},
    {.name = "kimi-linear-48b-a3b", .aliases = {"kimi-linear"},
     .sizes = {2304, 1024, 256, 8}, .gate = biased_sigmoid(2.446f),
     .shared = {1024}, .layers = {27, 1},
     .dense_ffn_dim = 9216, .attention = latent(32, 0, 7),
     .linear = kimi_delta_attention(20, 2304, {32, 128}, 4),
     .vocab_size = 163840, .max_context = 1048576,
     .source = "recalled, agrees with public test fixtures of the model's config.json"},

    {.name = "qwen3-30b-a3b", .aliases = {"qwen3-30b"},
     .sizes = {2048, 768, 128, 8}, .gate = softmax_of_all(true),
     .layers = {48, 0},
     .attention = grouped_query(32, 4, 128), .vocab_size = 151936, .max_context = 40960,
     .source = "NVIDIA/Megatron-LM, pytorch/torchtitan; number of layers recalled"},
    {.name = "qwen3-235b-a22b", .aliases = {"qwen3-235b"},
     .sizes = {4096, 1536, 128, 8}, .gate = softmax_of_all(true),
     .layers = {94, 0},
     .attention = grouped_query(64, 4, 128), .vocab_size = 151936, .max_context = 40960,
     .batch_size = 8,
     .source = "NVIDIA/Megatron-LM, pytorch/torchtitan; number of layers recalled"},
    {.name = "qwen3-next-80b-a3b", .aliases = {"qwen3-next"},
     .sizes = {2048, 512, 512, 10}, .gate = softmax_of_all(true),
     .shared = {512, true}, .layers = {48, 0},
     .attention = output_gated(grouped_query(16, 2, 256, 12)),
     .linear = gated_delta_net(36, 2048, {16, 128}, {32, 128}, 4),
     .vocab_size = 151936, .max_context = 262144,
     .source = "ratios d/n and K/E from the SonicMoE article, sizes derived; number of layers "
               "recalled"},
    {.name = "qwen3.5-397b-a17b", .aliases = {"qwen3.5-397b"},
     .sizes = {4096, 1024, 512, 10}, .gate = softmax_of_all(true),
     .shared = {1024, true}, .layers = {60, 0},
     .attention = output_gated(grouped_query(32, 2, 256, 15)),
     .linear = gated_delta_net(45, 4096, {16, 128}, {64, 128}, 4),
     .vocab_size = 248320, .max_context = 262144, .num_prediction_layers = 1,
     .source = "flashinfer moe_ep_runbook.md and the model card (sizes); shared ffn_dim recalled"},

    {.name = "gpt-oss-20b",
     .sizes = {2880, 2880, 32, 4}, .activation = Activation::clamped_swiglu,
     .up_layout = UpLayout::interleaved,
     .gate = with_bias(softmax_of_chosen()), .expert_bias = true,
     .layers = {24, 0},
     .attention = sliding(grouped_query(64, 8, 64), 128, 12),
     .vocab_size = 201088, .max_context = 131072,
     .source = "NVIDIA/Megatron-LM modelopt conf; number of layers recalled"},
    {.name = "gpt-oss-120b",
     .sizes = {2880, 2880, 128, 4}, .activation = Activation::clamped_swiglu,
     .up_layout = UpLayout::interleaved,
     .gate = with_bias(softmax_of_chosen()), .expert_bias = true,
     .layers = {36, 0},
     .attention = sliding(grouped_query(64, 8, 64), 128, 18),
     .vocab_size = 201088, .max_context = 131072,
     .source = "NVIDIA/Megatron-LM modelopt conf; number of layers recalled"},

    {.name = "olmoe-1b-7b", .aliases = {"olmoe"},
     .sizes = {2048, 1024, 64, 8}, .gate = softmax_of_all(false),
     .layers = {16, 0},
     .attention = grouped_query(16, 16, 128), .vocab_size = 50304, .max_context = 4096,
     .source = "SonicMoE article (sizes); no renormalization and number of layers recalled"},

    {.name = "glm-4.5", .aliases = {"glm-4.6"},
     .sizes = {5120, 1536, 160, 8}, .gate = biased_sigmoid(2.5f),
     .shared = {1536}, .layers = {92, 3},
     .dense_ffn_dim = 12288, .attention = grouped_query(96, 8, 128),
     .vocab_size = 151552, .max_context = 131072, .num_prediction_layers = 1,
     .source = "GLM-5 report, table of sizes; gate, number of layers and 4.6 being the same "
               "recalled"},
    {.name = "glm-4.5-air",
     .sizes = {4096, 1408, 128, 8}, .gate = biased_sigmoid(),
     .shared = {1408}, .layers = {46, 1},
     .dense_ffn_dim = 10944, .attention = grouped_query(96, 8, 128),
     .vocab_size = 151552, .max_context = 131072, .num_prediction_layers = 1,
     .source = "huggingface/transformers Glm4MoeConfig defaults"},
    {.name = "glm-5",
     .sizes = {6144, 2048, 256, 8}, .gate = biased_sigmoid(2.5f),
     .shared = {2048}, .layers = {78, 3},
     .dense_ffn_dim = 12288, .attention = kGlm5Attention,
     .vocab_size = 154880, .max_context = 202752, .num_prediction_layers = 1,
     .source = "GLM-5 report, table of sizes; scale from public test fixtures"},

    {.name = "minimax-m2",
     .sizes = {3072, 1536, 256, 8}, .gate = biased_sigmoid(),
     .layers = {62, 0},
     .attention = grouped_query(48, 8, 128), .vocab_size = 200064, .max_context = 196608,
     .source = "huggingface/transformers MiniMaxM2Config; renormalization recalled"},

    {.name = "llama-4-scout",
     .sizes = {5120, 8192, 16, 1}, .gate = {.kind = GateKind::sigmoid, .renormalize = false},
     .shared = {8192}, .layers = {48, 0},
     .attention = sliding(grouped_query(40, 8, 128), 8192, 36),
     .vocab_size = 202048, .max_context = 10485760,
     .source = "NVIDIA/Megatron-LM conf; number of layers recalled",
     .note = "36 layers attend within chunks of 8192, counted as a sliding window",
     .unsupported = kLlama4Reason},
    {.name = "llama-4-maverick",
     .sizes = {5120, 8192, 128, 1}, .gate = {.kind = GateKind::sigmoid, .renormalize = false},
     .shared = {8192}, .layers = {48, 24},
     .dense_ffn_dim = 16384, .attention = sliding(grouped_query(40, 8, 128), 8192, 36),
     .vocab_size = 202048, .max_context = 1048576,
     .source = "NVIDIA/Megatron-LM conf; number of layers recalled",
     .note = "36 layers attend within chunks of 8192, counted as a sliding window",
     .unsupported = kLlama4Reason},

    {.name = "nemotron-3-nano", .aliases = {"nemotron-3-nano-30b-a3b"},
     .sizes = {2688, 1856, 128, 6}, .activation = Activation::relu2, .gate = biased_sigmoid(2.5f),
     .shared = {3712}, .layers = {23, 0},
     .attention = grouped_query(32, 2, 128, 6),
     .linear = mamba2(23, 2688, {64, 64}, 8, 128, 4),
     .vocab_size = 131072, .max_context = 262144,
     .source = "NVIDIA/Megatron-LM conf; activation and renormalization recalled",
     .note = "the 23 of its 52 blocks that have experts; the others are Mamba-2 and attention"},
    {.name = "nemotron-3-super", .aliases = {"nemotron-3-super-120b-a12b"},
     .sizes = {1024, 2688, 512, 22}, .activation = Activation::relu2, .gate = biased_sigmoid(5),
     .shared = {5376}, .layers = {1, 0},
     .source = "NVIDIA/Megatron-LM conf",
     .note = "one layer; hidden_dim is that of the latent space, the model's own is 4096",
     .unsupported = "latent MoE: tokens are projected from 4096 to 1024 before the experts and "
                    "back after them, while router and shared expert see 4096"},

    {.name = "granite-3-1b-a400m", .aliases = {"granite-1b"},
     .sizes = {1024, 512, 32, 8}, .gate = softmax_of_chosen(),
     .layers = {24, 0},
     .attention = grouped_query(16, 8, 64),
     .vocab_size = 49155, .tied_embeddings = true, .max_context = 131072,
     .source = "Hugging Face config.json; number of layers recalled"},
    {.name = "granite-3-3b-a800m", .aliases = {"granite-3b"},
     .sizes = {1536, 512, 40, 8}, .gate = softmax_of_chosen(),
     .layers = {32, 0},
     .attention = grouped_query(24, 8, 64),
     .vocab_size = 49155, .tied_embeddings = true, .max_context = 131072,
     .source = "Hugging Face config.json; number of layers recalled"},
    {.name = "granite-4.0-h-small",
     .sizes = {4096, 768, 72, 10}, .gate = softmax_of_chosen(),
     .shared = {1536}, .layers = {40, 0},
     .attention = grouped_query(32, 8, 128, 4),
     .linear = mamba2(36, 4096, {128, 64}, 1, 128, 4),
     .vocab_size = 100352, .tied_embeddings = true, .max_context = 131072,
     .source = "recalled, agrees with a public copy of the model's config.json"},
};
// clang-format on

ModelConfig to_config(const Model& model) {
  ModelConfig config;
  config.name = model.name;
  config.layer.hidden_dim = model.sizes.hidden_dim;
  config.layer.ffn_dim = model.sizes.ffn_dim;
  config.layer.num_experts = model.sizes.num_experts;
  config.layer.top_k = model.sizes.top_k;
  config.layer.activation = model.activation;
  config.layer.up_layout = model.up_layout;
  config.layer.dtype = DType::bf16;
  config.layer.gate = model.gate;
  config.layer.expert_bias = model.expert_bias;
  config.layer.shared = model.shared;
  config.batch_size = model.batch_size;
  config.num_layers = model.layers.all;
  config.num_dense_layers = model.layers.dense;
  config.dense_ffn_dim = model.dense_ffn_dim;
  config.attention = model.attention;
  config.linear = model.linear;
  config.vocab_size = model.vocab_size;
  config.tied_embeddings = model.tied_embeddings;
  config.max_context = model.max_context;
  config.num_prediction_layers = model.num_prediction_layers;
  config.source = model.source;
  config.note = model.note;
  if (!model.unsupported.empty()) config.unsupported = std::string(model.unsupported);
  return config;
}

}  // namespace

std::vector<Preset> model_presets() {
  std::vector<Preset> presets;
  for (const Model& model : kModels) {
    Preset preset{to_config(model), {}};
    for (std::string_view alias : model.aliases) {
      if (!alias.empty()) preset.aliases.emplace_back(alias);
    }
    presets.push_back(std::move(preset));
  }
  return presets;
}

}  // namespace moe::config
