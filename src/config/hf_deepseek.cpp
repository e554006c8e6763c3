// DeepSeek and its kin: many small experts, shared ones beside them, the first layers dense; gates
// by sigmoid with a selection bias, except in DeepSeek-V2.
#include "config/hf_deepseek.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/hf_families.h"
#include "config/hf_reading.h"

namespace moe::config {
namespace {

/// What a config.json of that family means by an absent field.
struct Defaults {
  const char* scoring_func;
  const char* topk_method;
  std::int64_t n_group, topk_group;
  std::int64_t n_shared_experts;
  std::int64_t first_k_dense_replace;
  bool norm_topk_prob;
  double routed_scaling_factor;
};

constexpr Defaults kDeepSeekV2 = {"softmax", "greedy", 1, 1, 2, 0, false, 1};
constexpr Defaults kDeepSeekV3 = {"sigmoid", "noaux_tc", 8, 4, 1, 3, true, 2.5};
constexpr Defaults kGlm4 = {"sigmoid", "noaux_tc", 1, 1, 1, 1, true, 1};
constexpr Defaults kGlm5 = {"sigmoid", "noaux_tc", 1, 1, 1, 3, true, 2.5};
constexpr Defaults kDots1 = {"sigmoid", "noaux_tc", 1, 1, 0, 0, false, 1};

/// scoring_func and topk_method in words of ours; pairs that no published model has are
/// unsupported.
void read_gate(const HfFields& fields, const Defaults& absent, ModelConfig& config) {
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
  const std::int64_t num_groups = fields.size_or("n_group", absent.n_group);
  const std::int64_t kept_groups = fields.size_or("topk_group", absent.topk_group);
  if (grouped) gate.num_groups = num_groups, gate.kept_groups = kept_groups;
}

/// All but attention.
ModelConfig read_layer(const HfFields& fields, const Defaults& absent) {
  ModelConfig config = read_decoder(fields);
  LayerConfig& layer = config.layer;
  layer.num_experts = fields.size("n_routed_experts");
  layer.top_k = fields.size("num_experts_per_tok");
  layer.ffn_dim = fields.size("moe_intermediate_size");
  // Of all fields this one has a null that is not "absent": it means none.
  if (!fields.is_null("n_shared_experts")) {
    layer.shared.ffn_dim =
        layer.ffn_dim * fields.count_or("n_shared_experts", absent.n_shared_experts);
  }
  config.num_dense_layers = dense_layers_before(
      config.num_layers, fields.count_or("first_k_dense_replace", absent.first_k_dense_replace),
      fields.size_or("moe_layer_freq", 1));
  const std::int64_t dense_ffn_dim = fields.count_or("intermediate_size", 0);
  if (config.num_dense_layers > 0) config.dense_ffn_dim = dense_ffn_dim;
  config.num_prediction_layers = fields.count_or("num_nextn_predict_layers", 0);
  read_gate(fields, absent, config);
  return config;
}

ModelConfig read_with_latent_attention(const HfFields& fields, const Defaults& absent) {
  ModelConfig config = read_layer(fields, absent);
  config.attention = read_latent(fields);
  return config;
}

ModelConfig read_deepseek_v2(const HfFields& fields) {
  ModelConfig config = read_with_latent_attention(fields, kDeepSeekV2);
  // The model's own code either renormalizes or scales, never both.
  if (config.layer.gate.renormalize) config.layer.gate.scale = 1;
  return config;
}

ModelConfig read_deepseek_v3(const HfFields& fields) {
  return read_with_latent_attention(fields, kDeepSeekV3);
}

ModelConfig read_glm5(const HfFields& fields) {
  return read_with_latent_attention(fields, kGlm5);
}

ModelConfig read_glm4(const HfFields& fields) {
  ModelConfig config = read_layer(fields, kGlm4);
  config.attention = read_grouped_query(fields, config.layer.hidden_dim);
  return config;
}

ModelConfig read_dots1(const HfFields& fields) {
  ModelConfig config = read_layer(fields, kDots1);
  config.attention = read_grouped_query(fields, config.layer.hidden_dim);
  const std::int64_t first = fields.count_or("max_window_layers", config.num_layers);
  read_sliding_window(fields, std::max<std::int64_t>(config.num_layers - first, 0), config);
  return config;
}

/// Ling and Ring of version 2.
ModelConfig read_bailing_v2(const HfFields& fields) {
  ModelConfig config = read_decoder(fields);
  LayerConfig& layer = config.layer;
  layer.num_experts = fields.size("num_experts");
  layer.top_k = fields.size("num_experts_per_tok");
  layer.ffn_dim = fields.size("moe_intermediate_size");
  layer.shared.ffn_dim = fields.count_or("num_shared_experts", 0) *
                         fields.size_or("moe_shared_expert_intermediate_size", layer.ffn_dim);
  layer.gate.kind = GateKind::sigmoid;
  layer.gate.selection_bias = fields.flag_or("moe_router_enable_expert_bias", true);
  layer.gate.renormalize = fields.flag_or("norm_topk_prob", true);
  layer.gate.scale = static_cast<float>(fields.number_or("routed_scaling_factor", 1));
  layer.gate.num_groups = fields.size_or("n_group", 1);
  layer.gate.kept_groups = fields.size_or("topk_group", 1);
  fields.has("max_window_layers");  // of no effect without a window
  const std::string scoring = fields.text_or("score_function", "sigmoid");
  if (scoring != "sigmoid") {
    config.unsupported = fmt::format("score_function '{}' is not modelled", scoring);
  }
  config.num_dense_layers =
      dense_layers_before(config.num_layers, fields.count_or("first_k_dense_replace", 0), 1);
  const std::int64_t dense_ffn_dim = fields.count_or("intermediate_size", 0);
  if (config.num_dense_layers > 0) config.dense_ffn_dim = dense_ffn_dim;
  config.num_prediction_layers = fields.count_or("num_nextn_predict_layers", 0);
  config.attention = read_grouped_query(fields, layer.hidden_dim);
  return config;
}

/// Experts from layer `moe_layer_start_index` to `moe_layer_end_index`, both included.
std::int64_t dense_layers_of_ernie(const HfFields& fields, std::int64_t num_layers) {
  const std::int64_t first = fields.count_or("moe_layer_start_index", 1);
  const std::int64_t step = fields.size_or("moe_layer_interval", 1);
  std::int64_t last = static_cast<std::int64_t>(fields.number_or("moe_layer_end_index", -1));
  if (last < 0 || last >= num_layers) last = num_layers - 1;
  // Layer i has experts when i + 1 is a multiple of the step.
  std::int64_t with_experts = 0;
  if (first <= last) with_experts = (last + 1) / step - first / step;
  return num_layers - with_experts;
}

ModelConfig read_ernie(const HfFields& fields) {
  ModelConfig config = read_decoder(fields);
  LayerConfig& layer = config.layer;
  layer.num_experts = fields.size_of_all("moe_num_experts");
  layer.top_k = fields.size("moe_k");
  layer.ffn_dim = fields.size_of_all("moe_intermediate_size");
  layer.shared.ffn_dim = layer.ffn_dim * fields.count_or("moe_num_shared_experts", 2);
  layer.gate.kind = GateKind::softmax_topk;
  fields.has("moe_gate");  // "topk" of all published ones
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", true);
  config.num_dense_layers = dense_layers_of_ernie(fields, config.num_layers);
  const std::int64_t dense_ffn_dim = fields.count_or("intermediate_size", 0);
  if (config.num_dense_layers > 0) config.dense_ffn_dim = dense_ffn_dim;
  config.num_prediction_layers = fields.count_or("num_nextn_predict_layers", 0);
  config.attention = read_grouped_query(fields, layer.hidden_dim);
  config.unsupported =
      "it chooses by softmax scores plus a selection bias; here only sigmoid gates have one";
  return config;
}

}  // namespace

std::int64_t dense_layers_before(std::int64_t num_layers, std::int64_t first, std::int64_t step) {
  const auto multiples_below = [step](std::int64_t end) { return (end + step - 1) / step; };
  const std::int64_t with_experts =
      multiples_below(num_layers) - multiples_below(std::min(first, num_layers));
  return num_layers - with_experts;
}

std::vector<HfFamily> families_like_deepseek() {
  return {
      {"deepseek_v2", read_deepseek_v2},
      {"deepseek_v3", read_deepseek_v3},
      {"deepseek_v32", read_deepseek_v3},
      {"kimi_k2", read_deepseek_v3},
      {"kimi_k25", read_deepseek_v3, "text_config"},
      {"glm4_moe", read_glm4},
      {"glm4v_moe_text", read_glm4},
      {"glm4v_moe", read_glm4, "text_config"},
      {"glm_moe_dsa", read_glm5},
      {"dots1", read_dots1},
      {"bailing_moe_v2", read_bailing_v2},
      {"ernie4_5_moe", read_ernie},
  };
}

}  // namespace moe::config
