// Hybrids: most layers have linear attention or a state-space model in place of attention. Their
// MoE layers are those of other families.
#include <fmt/format.h>

#include <algorithm>

#include "config/hf_deepseek.h"
#include "config/hf_families.h"
#include "config/hf_qwen.h"
#include "config/hf_reading.h"
#include "config/linear_mixers.h"

namespace moe::config {
namespace {

/// `num_layers` of attention, the rest of the layers linear. A model of nothing but linear layers
/// is not told from an unknown one.
void set_attention_layers(ModelConfig& config, std::int64_t num_layers) {
  if (config.attention.kind != AttentionKind::none) config.attention.num_layers = num_layers;
  if (num_layers == 0) config.attention = {};
}

std::int64_t full_attention_layers_of_qwen(const HfFields& fields, std::int64_t num_layers) {
  const std::int64_t interval = fields.size_or("full_attention_interval", 4);
  if (fields.has("layer_types")) return count_layer_types(fields, "full_attention");
  return num_layers / interval;
}

ModelConfig read_qwen3_next(const HfFields& fields) {
  ModelConfig config = read_layer_of_qwen(fields, true);
  config.layer.shared = {fields.size("shared_expert_intermediate_size"), true};
  config.attention = read_grouped_query(fields, config.layer.hidden_dim);
  config.attention.output_gate = fields.flag_or("attn_output_gate", true);
  const std::int64_t full = full_attention_layers_of_qwen(fields, config.num_layers);
  set_attention_layers(config, full);
  const Heads keys = {fields.size_or("linear_num_key_heads", 16),
                      fields.size_or("linear_key_head_dim", 128)};
  const Heads values = {fields.size_or("linear_num_value_heads", 32),
                        fields.size_or("linear_value_head_dim", 128)};
  config.linear =
      gated_delta_net(std::max<std::int64_t>(config.num_layers - full, 0), config.layer.hidden_dim,
                      keys, values, fields.size_or("linear_conv_kernel_dim", 4));
  return config;
}

ModelConfig read_qwen3_5(const HfFields& fields) {
  ModelConfig config = read_qwen3_next(fields);
  config.num_prediction_layers = fields.count_or("mtp_num_hidden_layers", 0);
  return config;
}

/// The sizes of Mamba-2 as Granite names them.
ModelConfig read_granitemoehybrid(const HfFields& fields) {
  ModelConfig config = read_decoder(fields);
  config.layer.num_experts = fields.size("num_local_experts");
  config.layer.top_k = fields.size("num_experts_per_tok");
  config.layer.ffn_dim = fields.size("intermediate_size");
  config.layer.shared.ffn_dim = fields.count_or("shared_intermediate_size", 1024);
  config.attention = read_grouped_query(fields, config.layer.hidden_dim);
  const std::int64_t linear = count_layer_types(fields, "mamba");
  set_attention_layers(config, std::max<std::int64_t>(config.num_layers - linear, 0));
  fields.has("mamba_expand");  // heads times their width say the same
  if (linear == 0) return config;
  const Heads heads = {fields.size("mamba_n_heads"), fields.size("mamba_d_head")};
  config.linear =
      mamba2(linear, config.layer.hidden_dim, heads, fields.size_or("mamba_n_groups", 1),
             fields.size_or("mamba_d_state", 256), fields.size_or("mamba_d_conv", 4));
  return config;
}

/// One letter per block: M Mamba-2, E experts, * attention, - a dense MLP. Every block has one of
/// them, so "layers" counts those with an MLP.
ModelConfig read_nemotron_h(const HfFields& fields) {
  ModelConfig config = read_decoder(fields);
  LayerConfig& layer = config.layer;
  const std::string blocks = fields.text("hybrid_override_pattern");
  const std::int64_t dense = std::ranges::count(blocks, '-');
  config.num_layers = std::ranges::count(blocks, 'E') + dense;
  config.num_dense_layers = dense;
  layer.num_experts = fields.size("n_routed_experts");
  layer.top_k = fields.size("num_experts_per_tok");
  layer.ffn_dim = fields.size("moe_intermediate_size");
  layer.shared.ffn_dim = fields.count_or("n_shared_experts", 1) *
                         fields.size_or("moe_shared_expert_intermediate_size", layer.ffn_dim);
  layer.gate = {.kind = GateKind::sigmoid,
                .renormalize = fields.flag_or("norm_topk_prob", true),
                .selection_bias = true,
                .num_groups = fields.size_or("n_group", 1),
                .kept_groups = fields.size_or("topk_group", 1),
                .scale = static_cast<float>(fields.number_or("routed_scaling_factor", 1))};
  const std::string activation = fields.text_or("mlp_hidden_act", "relu2");
  layer.activation = Activation::relu2;
  if (activation != "relu2") {
    config.unsupported = fmt::format("mlp_hidden_act '{}' is not modelled", activation);
  }
  if (fields.has("moe_latent_size")) {
    config.unsupported = fmt::format(
        "latent MoE: tokens are projected to {} dimensions before the experts and back after them, "
        "while router and shared expert see all {}",
        fields.size("moe_latent_size"), layer.hidden_dim);
  }
  const std::int64_t dense_ffn_dim = fields.count_or("intermediate_size", 0);
  if (dense > 0) config.dense_ffn_dim = dense_ffn_dim;
  config.attention = read_grouped_query(fields, layer.hidden_dim);
  set_attention_layers(config, std::ranges::count(blocks, '*'));
  const Heads heads = {fields.size_or("mamba_num_heads", 128),
                       fields.size_or("mamba_head_dim", 64)};
  config.linear = mamba2(std::ranges::count(blocks, 'M'), layer.hidden_dim, heads,
                         fields.size_or("n_groups", 8), fields.size_or("ssm_state_size", 128),
                         fields.size_or("conv_kernel", 4));
  fields.has("expand");
  add_sentence(config.note,
               "layers are the blocks with an MLP; attention and Mamba-2 are blocks of "
               "their own");
  return config;
}

ModelConfig read_jamba(const HfFields& fields) {
  ModelConfig config = read_decoder(fields);
  config.layer.num_experts = fields.size_or("num_experts", 16);
  config.layer.top_k = fields.size_or("num_experts_per_tok", 2);
  config.layer.ffn_dim = fields.size("intermediate_size");
  config.layer.gate = {.kind = GateKind::softmax_topk, .renormalize = false};
  config.num_dense_layers =
      config.num_layers - layers_on_step(config.num_layers,
                                         fields.size_or("expert_layer_period", 2),
                                         fields.count_or("expert_layer_offset", 1));
  config.dense_ffn_dim = config.num_dense_layers > 0 ? config.layer.ffn_dim : 0;
  config.attention = read_grouped_query(fields, config.layer.hidden_dim);
  const std::int64_t full =
      layers_on_step(config.num_layers, fields.size_or("attn_layer_period", 8),
                     fields.count_or("attn_layer_offset", 4));
  set_attention_layers(config, full);
  const std::int64_t hidden_dim = config.layer.hidden_dim;
  const std::int64_t rank = (hidden_dim + 15) / 16;
  config.linear =
      mamba1(config.num_layers - full, hidden_dim, fields.size_or("mamba_expand", 2) * hidden_dim,
             fields.size_or("mamba_d_state", 16), fields.size_or("mamba_dt_rank", rank),
             fields.size_or("mamba_d_conv", 4));
  return config;
}

/// MiniMax-Text-01 and M1: attn_type_list has 0 for lightning attention, 1 for softmax.
ModelConfig read_minimax_text(const HfFields& fields) {
  ModelConfig config = read_decoder(fields);
  config.layer.num_experts = fields.size("num_local_experts");
  config.layer.top_k = fields.size("num_experts_per_tok");
  config.layer.ffn_dim = fields.size("intermediate_size");
  config.layer.shared.ffn_dim = fields.count_or("shared_intermediate_size", 0);
  fields.has("shared_moe_mode");  // of no effect without a shared expert
  config.attention = read_grouped_query(fields, config.layer.hidden_dim);
  const std::vector<std::int64_t> types = fields.counts("attn_type_list");
  const std::int64_t linear = std::ranges::count(types, 0);
  if (linear == 0 || config.attention.kind == AttentionKind::none) return config;
  const Heads heads = {config.attention.num_heads, config.attention.head_dim};
  set_attention_layers(config, std::max<std::int64_t>(config.num_layers - linear, 0));
  config.linear = lightning_attention(linear, config.layer.hidden_dim, heads);
  return config;
}

ModelConfig read_kimi_linear(const HfFields& fields) {
  ModelConfig config = read_decoder(fields);
  LayerConfig& layer = config.layer;
  layer.num_experts = fields.size("num_experts");
  layer.top_k = fields.size("num_experts_per_token");
  layer.ffn_dim = fields.size("moe_intermediate_size");
  layer.shared.ffn_dim = layer.ffn_dim * fields.count_or("num_shared_experts", 0);
  layer.gate = {.kind = GateKind::sigmoid,
                .renormalize = fields.flag_or("moe_renormalize", true),
                .selection_bias = true,
                .num_groups = fields.size_or("num_expert_group", 1),
                .kept_groups = fields.size_or("topk_group", 1),
                .scale = static_cast<float>(fields.number_or("routed_scaling_factor", 1))};
  const std::string scoring = fields.text_or("moe_router_activation_func", "sigmoid");
  if (scoring != "sigmoid") {
    config.unsupported = fmt::format("moe_router_activation_func '{}' is not modelled", scoring);
  }
  fields.has("use_grouped_topk");  // one group says the same
  config.max_context = fields.count_or("model_max_length", config.max_context);
  config.num_dense_layers =
      dense_layers_before(config.num_layers, fields.count_or("first_k_dense_replace", 0),
                          fields.size_or("moe_layer_freq", 1));
  const std::int64_t dense_ffn_dim = fields.count_or("intermediate_size", 0);
  if (config.num_dense_layers > 0) config.dense_ffn_dim = dense_ffn_dim;
  config.num_prediction_layers = fields.count_or("num_nextn_predict_layers", 0);
  config.attention = read_latent(fields);
  if (!fields.has("linear_attn_config")) return config;
  const HfFields linear = fields.object("linear_attn_config");
  const Heads heads = {linear.size("num_heads"), linear.size("head_dim")};
  const auto num_linear = static_cast<std::int64_t>(linear.counts("kda_layers").size());
  set_attention_layers(config, static_cast<std::int64_t>(linear.counts("full_attn_layers").size()));
  config.linear = kimi_delta_attention(num_linear, layer.hidden_dim, heads,
                                       linear.size_or("short_conv_kernel_size", 4));
  return config;
}

}  // namespace

std::vector<HfFamily> families_of_hybrids() {
  return {
      {"qwen3_next", read_qwen3_next},
      {"qwen3_5_moe_text", read_qwen3_5},
      {"qwen3_5_moe", read_qwen3_5, "text_config"},
      {"granitemoehybrid", read_granitemoehybrid},
      {"nemotron_h", read_nemotron_h},
      {"jamba", read_jamba},
      {"minimax_text_01", read_minimax_text},
      {"minimax_m1", read_minimax_text},
      {"kimi_linear", read_kimi_linear},
  };
}

}  // namespace moe::config
