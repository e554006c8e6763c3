// One function per model family. Absent fields take the default of the family's configuration class
// in huggingface/transformers, except sizes that every published file states: those are required.
#include "config/hf_families.h"

#include <fmt/format.h>

#include <algorithm>

namespace moe::config {
namespace {

void add_sentence(std::string& text, const std::string& sentence) {
  text += (text.empty() ? "" : "; ") + sentence;
}

void read_dtype(const HfFields& fields, ModelConfig& config) {
  // transformers renamed torch_dtype to dtype in version 4.56.
  const std::string dtype = fields.text_or("dtype", fields.text_or("torch_dtype", "bfloat16"));
  config.layer.dtype = dtype == "float32" ? DType::f32 : DType::bf16;
  if (dtype != "float32" && dtype != "bfloat16") {
    add_sentence(config.note, fmt::format("the file's dtype is {}, bf16 stands in for it", dtype));
  }
  if (fields.has("quantization_config")) {
    add_sentence(config.note,
                 "the checkpoint is quantized, this suite takes its layer unquantized");
  }
}

/// What all families share: width, depth, activation and types.
ModelConfig read_decoder(const HfFields& fields) {
  ModelConfig config;
  config.layer.hidden_dim = fields.size("hidden_size");
  config.layer.top_k = fields.size("num_experts_per_tok");
  config.num_layers = fields.size("num_hidden_layers");
  read_dtype(fields, config);
  const std::string activation = fields.text_or("hidden_act", "silu");
  if (activation != "silu" && activation != "swish") {
    config.unsupported = fmt::format(
        "hidden_act '{}': experts of this family are gated, and of gated activations only "
        "silu (swiglu) is here",
        activation);
  }
  return config;
}

ModelConfig read_mixtral(const HfFields& fields) {
  ModelConfig config = read_decoder(fields);
  config.layer.num_experts = fields.size("num_local_experts");
  config.layer.ffn_dim = fields.size("intermediate_size");
  config.layer.gate.kind = GateKind::topk_softmax;
  return config;
}

/// Layer i has experts unless it is listed or i + 1 is not a multiple of the step.
std::int64_t dense_layers_of_qwen3(const HfFields& fields, std::int64_t num_layers) {
  const std::int64_t step = fields.size_or("decoder_sparse_step", 1);
  std::vector<std::int64_t> listed = fields.counts("mlp_only_layers");
  std::sort(listed.begin(), listed.end());
  listed.erase(std::unique(listed.begin(), listed.end()), listed.end());
  std::int64_t dense = num_layers - num_layers / step;
  for (std::int64_t layer : listed) {
    if (layer < num_layers && (layer + 1) % step == 0) ++dense;
  }
  return dense;
}

ModelConfig read_qwen3_moe(const HfFields& fields) {
  ModelConfig config = read_decoder(fields);
  // transformers 5 writes num_local_experts.
  const char* experts = fields.has("num_experts") ? "num_experts" : "num_local_experts";
  config.layer.num_experts = fields.size(experts);
  config.layer.ffn_dim = fields.size("moe_intermediate_size");
  config.layer.gate.kind = GateKind::softmax_topk;
  config.layer.gate.renormalize = fields.flag_or("norm_topk_prob", false);
  config.num_dense_layers = dense_layers_of_qwen3(fields, config.num_layers);
  return config;
}

/// What a DeepSeek config.json of that version means by an absent field.
struct DeepSeekDefaults {
  const char* scoring_func;
  const char* topk_method;
  std::int64_t n_group, topk_group;
  std::int64_t n_shared_experts;
  std::int64_t first_k_dense_replace;
  bool norm_topk_prob;
  double routed_scaling_factor;
};

constexpr DeepSeekDefaults kDeepSeekV2 = {"softmax", "greedy", 1, 1, 2, 0, false, 1};
constexpr DeepSeekDefaults kDeepSeekV3 = {"sigmoid", "noaux_tc", 8, 4, 1, 3, true, 2.5};

/// Layers from number `first` on have experts, every `step`-th of them.
std::int64_t dense_layers_of_deepseek(std::int64_t num_layers, std::int64_t first,
                                      std::int64_t step) {
  const auto multiples_below = [step](std::int64_t end) { return (end + step - 1) / step; };
  const std::int64_t with_experts =
      multiples_below(num_layers) - multiples_below(std::min(first, num_layers));
  return num_layers - with_experts;
}

/// scoring_func and topk_method in words of ours; pairs that no published model has are
/// unsupported.
void read_deepseek_gate(const HfFields& fields, const DeepSeekDefaults& absent,
                        ModelConfig& config) {
  const std::string scoring = fields.text_or("scoring_func", absent.scoring_func);
  const std::string method = fields.text_or("topk_method", absent.topk_method);
  const bool softmax = scoring == "softmax", sigmoid = scoring == "sigmoid";
  const bool grouped =
      (softmax && method == "group_limited_greedy") || (sigmoid && method == "noaux_tc");
  const bool greedy = (softmax || sigmoid) && method == "greedy";
  if (!grouped && !greedy) {
    config.unsupported =
        fmt::format("scoring_func '{}' with topk_method '{}' is not modelled", scoring, method);
  }
  Gate& gate = config.layer.gate;
  gate.kind = softmax ? GateKind::softmax_topk : GateKind::sigmoid;
  gate.selection_bias = sigmoid && method == "noaux_tc";
  gate.renormalize = fields.flag_or("norm_topk_prob", absent.norm_topk_prob);
  gate.scale =
      static_cast<float>(fields.number_or("routed_scaling_factor", absent.routed_scaling_factor));
  if (grouped) {
    gate.num_groups = fields.size_or("n_group", absent.n_group);
    gate.kept_groups = fields.size_or("topk_group", absent.topk_group);
  }
}

ModelConfig read_deepseek(const HfFields& fields, const DeepSeekDefaults& absent) {
  ModelConfig config = read_decoder(fields);
  LayerConfig& layer = config.layer;
  layer.num_experts = fields.size("n_routed_experts");
  layer.ffn_dim = fields.size("moe_intermediate_size");
  // Of all fields this one has a null that is not "absent": it means none.
  if (!fields.is_null("n_shared_experts")) {
    layer.shared.ffn_dim =
        layer.ffn_dim * fields.count_or("n_shared_experts", absent.n_shared_experts);
  }
  config.num_dense_layers = dense_layers_of_deepseek(
      config.num_layers, fields.count_or("first_k_dense_replace", absent.first_k_dense_replace),
      fields.size_or("moe_layer_freq", 1));
  read_deepseek_gate(fields, absent, config);
  return config;
}

ModelConfig read_deepseek_v2(const HfFields& fields) {
  ModelConfig config = read_deepseek(fields, kDeepSeekV2);
  // The model's own code either renormalizes or scales, never both.
  if (config.layer.gate.renormalize) config.layer.gate.scale = 1;
  return config;
}

ModelConfig read_deepseek_v3(const HfFields& fields) {
  return read_deepseek(fields, kDeepSeekV3);
}

}  // namespace

const std::vector<HfFamily>& hf_families() {
  static const std::vector<HfFamily> families = {
      {"mixtral", read_mixtral},          {"qwen3_moe", read_qwen3_moe},
      {"deepseek_v2", read_deepseek_v2},  {"deepseek_v3", read_deepseek_v3},
      {"deepseek_v32", read_deepseek_v3},
  };
  return families;
}

}  // namespace moe::config
