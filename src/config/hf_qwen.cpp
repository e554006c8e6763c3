// Qwen and its kin: softmax over all experts, then top-k; dense layers on a step or by list.
#include <algorithm>

#include "config/hf_families.h"
#include "config/hf_qwen.h"
#include "config/hf_reading.h"

namespace moe::config {
namespace {

/// Layer i has experts unless it is listed or i + 1 is not a multiple of the step.
std::int64_t dense_layers_of_qwen(const HfFields& fields, std::int64_t num_layers) {
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

void read_qwen_sliding_window(const HfFields& fields, ModelConfig& config) {
  if (!fields.flag_or("use_sliding_window", false)) {
    fields.has("sliding_window");
    fields.has("max_window_layers");
    return;
  }
  const std::int64_t first = fields.count_or("max_window_layers", 0);
  read_sliding_window(fields, std::max<std::int64_t>(config.num_layers - first, 0), config);
}

ModelConfig read_qwen3_moe(const HfFields& fields) {
  ModelConfig config = read_layer_of_qwen(fields, false);
  config.attention = read_grouped_query(fields, config.layer.hidden_dim);
  read_qwen_sliding_window(fields, config);
  return config;
}

ModelConfig read_qwen2_moe(const HfFields& fields) {
  ModelConfig config = read_qwen3_moe(fields);
  config.layer.shared = {fields.size("shared_expert_intermediate_size"), true};
  return config;
}

/// No field for the experts' width of their own.
ModelConfig read_olmoe(const HfFields& fields) {
  ModelConfig config = read_decoder(fields);
  config.layer.num_experts = fields.size("num_experts");
  config.layer.top_k = fields.size("num_experts_per_tok");
  config.layer.ffn_dim = fields.size("intermediate_size");
  config.layer.gate = {.kind = GateKind::softmax_topk,
                       .renormalize = fields.flag_or("norm_topk_prob", false)};
  config.attention = read_grouped_query(fields, config.layer.hidden_dim);
  return config;
}

/// Several sizes may be lists with one entry per layer.
ModelConfig read_hunyuan(const HfFields& fields) {
  ModelConfig config = read_decoder(fields);
  LayerConfig& layer = config.layer;
  const std::int64_t width = fields.size("intermediate_size");
  layer.num_experts = fields.size_of_all("num_experts");
  layer.top_k = fields.size_of_all("moe_topk");
  layer.ffn_dim =
      fields.has("moe_intermediate_size") ? fields.size_of_all("moe_intermediate_size") : width;
  layer.gate.kind = GateKind::softmax_topk;
  layer.gate.renormalize = fields.flag_or("norm_topk_prob", true);
  fields.has("routed_scaling_factor");  // not used by the model's code
  if (fields.flag_or("use_mixed_mlp_moe", false)) {
    const std::int64_t shared =
        fields.has("num_shared_expert") ? fields.size_of_all("num_shared_expert") : 1;
    layer.shared.ffn_dim = width * shared;
  }
  config.num_dense_layers = fields.count_or("moe_layer_num_skipped", 0);
  config.dense_ffn_dim = config.num_dense_layers > 0 ? width : 0;
  config.attention = read_grouped_query(fields, layer.hidden_dim);
  return config;
}

}  // namespace

ModelConfig read_layer_of_qwen(const HfFields& fields, bool renormalize) {
  ModelConfig config = read_decoder(fields);
  // transformers 5 writes num_local_experts.
  const char* experts = fields.has("num_experts") ? "num_experts" : "num_local_experts";
  config.layer.num_experts = fields.size(experts);
  config.layer.top_k = fields.size("num_experts_per_tok");
  config.layer.ffn_dim = fields.size("moe_intermediate_size");
  config.layer.gate.kind = GateKind::softmax_topk;
  config.layer.gate.renormalize = fields.flag_or("norm_topk_prob", renormalize);
  config.num_dense_layers = dense_layers_of_qwen(fields, config.num_layers);
  const std::int64_t dense_ffn_dim = fields.count_or("intermediate_size", 0);
  if (config.num_dense_layers > 0) config.dense_ffn_dim = dense_ffn_dim;
  return config;
}

std::vector<HfFamily> families_like_qwen() {
  return {
      {"qwen2_moe", read_qwen2_moe},
      {"qwen3_moe", read_qwen3_moe},
      {"qwen3_vl_moe_text", read_qwen3_moe},
      {"qwen3_vl_moe", read_qwen3_moe, "text_config"},
      {"olmoe", read_olmoe},
      {"hunyuan_v1_moe", read_hunyuan},
      {"hunyuan", read_hunyuan},
  };
}

}  // namespace moe::config
