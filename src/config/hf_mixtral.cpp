// Mixtral and its kin: experts in every layer (Llama 4: in every second of some models), most of
// them with a softmax over the chosen logits.
#include <fmt/format.h>

#include <algorithm>

#include "config/hf_families.h"
#include "config/hf_reading.h"

namespace moe::config {
namespace {

/// num_local_experts, num_experts_per_tok, intermediate_size; top-k by logit, then softmax.
ModelConfig read_layer_of_mixtral(const HfFields& fields) {
  ModelConfig config = read_decoder(fields);
  config.layer.num_experts = fields.size("num_local_experts");
  config.layer.top_k = fields.size("num_experts_per_tok");
  config.layer.ffn_dim = fields.size("intermediate_size");
  config.layer.gate.kind = GateKind::topk_softmax;
  config.attention = read_grouped_query(fields, config.layer.hidden_dim);
  return config;
}

ModelConfig read_mixtral(const HfFields& fields) {
  ModelConfig config = read_layer_of_mixtral(fields);
  read_sliding_window(fields, config.num_layers, config);
  return config;
}

ModelConfig read_phimoe(const HfFields& fields) {
  ModelConfig config = read_mixtral(fields);
  config.unsupported =
      "its router (SparseMixer) masks logits far from the best and takes the second expert's score "
      "from a softmax without the first, which no gate here does";
  return config;
}

ModelConfig read_granitemoe(const HfFields& fields) {
  ModelConfig config = read_layer_of_mixtral(fields);
  config.layer.shared.ffn_dim = fields.count_or("shared_intermediate_size", 0);
  return config;
}

ModelConfig read_gpt_oss(const HfFields& fields) {
  ModelConfig config = read_layer_of_mixtral(fields);
  fields.has("experts_per_token");  // the same as num_experts_per_tok
  read_sliding_window(fields, layers_on_step(config.num_layers, 2), config);
  config.layer.activation = Activation::clamped_swiglu;
  config.layer.up_layout = UpLayout::interleaved;
  config.layer.expert_bias = true;
  config.layer.gate.logit_bias = true;
  const double limit = fields.number_or("swiglu_limit", 7);
  if (limit != 7) config.unsupported = fmt::format("swiglu_limit {}: only 7 is here", limit);
  return config;
}

ModelConfig read_minimax_m2(const HfFields& fields) {
  ModelConfig config = read_layer_of_mixtral(fields);
  config.layer.gate.kind = GateKind::sigmoid;
  config.layer.gate.selection_bias = fields.flag_or("use_routing_bias", true);
  const std::vector<std::int64_t> types = fields.counts("attn_type_list");
  if (std::ranges::count(types, 1) != std::ssize(types)) config.attention = {};
  const std::string scoring = fields.text_or("scoring_func", "sigmoid");
  if (scoring != "sigmoid") {
    config.unsupported = fmt::format("scoring_func '{}' is not modelled", scoring);
  }
  return config;
}

ModelConfig read_llama4(const HfFields& fields) {
  ModelConfig config = read_layer_of_mixtral(fields);
  config.layer.gate = {.kind = GateKind::sigmoid, .renormalize = false};
  config.layer.shared.ffn_dim = config.layer.ffn_dim;
  const std::int64_t dense_ffn_dim = fields.count_or("intermediate_size_mlp", 0);
  const std::int64_t step = fields.size_or("interleave_moe_layer_step", 1);
  const std::vector<std::int64_t> listed = fields.counts("moe_layers");
  const std::int64_t with_experts =
      listed.empty() ? config.num_layers / step : static_cast<std::int64_t>(listed.size());
  config.num_dense_layers = config.num_layers - with_experts;
  if (config.num_dense_layers > 0) config.dense_ffn_dim = dense_ffn_dim;
  if (config.attention.kind != AttentionKind::none && fields.has("attention_chunk_size")) {
    // Every fourth layer sees all tokens, without positions.
    config.attention.sliding_window = fields.size("attention_chunk_size");
    config.attention.num_sliding_layers = config.num_layers - config.num_layers / 4;
    add_sentence(config.note, "attention within chunks is counted as a sliding window");
  }
  config.unsupported =
      "the sigmoid score scales the expert's input, not its output, which LayerConfig cannot say";
  return config;
}

ModelConfig read_arctic(const HfFields& fields) {
  ModelConfig config = read_layer_of_mixtral(fields);
  config.layer.shared.ffn_dim = config.layer.hidden_dim;
  fields.has("use_residual"), fields.has("parallel_attn_mlp_res");  // what `unsupported` says
  const std::int64_t step = fields.size_or("moe_layer_frequency", 2);
  config.num_dense_layers = config.num_layers - config.num_layers / step;
  config.dense_ffn_dim = config.layer.ffn_dim;
  config.unsupported =
      "beside its experts each layer has a dense MLP that reads another norm of the tokens than "
      "they do; it is shown as a shared expert";
  return config;
}

ModelConfig read_grok1(const HfFields& fields) {
  ModelConfig config = read_decoder(fields);
  config.layer.num_experts = fields.size("num_experts");
  config.layer.top_k = fields.size("num_experts_per_tok");
  config.layer.ffn_dim = fields.size("intermediate_size");
  config.layer.gate = {.kind = GateKind::softmax_topk, .renormalize = false};
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", true);
  config.attention = read_grouped_query(fields, config.layer.hidden_dim);
  config.layer.activation = Activation::geglu_tanh;  // jax.nn.gelu approximates unless told not to
  return config;
}

void read_attention_of_dbrx(const HfFields& fields, ModelConfig& config) {
  if (!fields.has("n_heads")) return;
  Attention& attention = config.attention;
  attention.kind = AttentionKind::grouped_query;
  attention.num_heads = fields.size("n_heads");
  attention.head_dim = config.layer.hidden_dim / attention.num_heads;
  attention.num_kv_heads = fields.has("attn_config")
                               ? fields.object("attn_config").size_or("kv_n_heads", 1)
                               : std::int64_t{1};
}

/// The words of the MPT family: d_model, n_layers, n_heads, and objects within.
ModelConfig read_dbrx(const HfFields& fields) {
  ModelConfig config;
  const HfFields ffn = fields.object("ffn_config");
  config.layer.dtype = DType::bf16;
  config.layer.hidden_dim = fields.size("d_model");
  config.layer.ffn_dim = ffn.size("ffn_hidden_size");
  config.layer.num_experts = ffn.size("moe_num_experts");
  config.layer.top_k = ffn.size("moe_top_k");
  // The p of the norm that scores are divided by; null: none.
  const double norm = ffn.is_null("moe_normalize_expert_weights")
                          ? 0
                          : ffn.number_or("moe_normalize_expert_weights", 1);
  config.layer.gate = {.kind = GateKind::softmax_topk, .renormalize = norm != 0};
  if (norm != 0 && norm != 1) {
    config.unsupported = fmt::format("scores are divided by their {}-norm", norm);
  }
  if (ffn.has("ffn_act_fn")) read_activation(ffn.object("ffn_act_fn"), "name", config);
  config.num_layers = fields.size("n_layers");
  config.vocab_size = fields.count_or("vocab_size", 0);
  config.max_context = fields.count_or("max_seq_len", 0);
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  read_attention_of_dbrx(fields, config);
  return config;
}

}  // namespace

std::vector<HfFamily> families_like_mixtral() {
  return {
      {"mixtral", read_mixtral},
      {"phimoe", read_phimoe},
      {"granitemoe", read_granitemoe},
      {"granitemoeshared", read_granitemoe},
      {"gpt_oss", read_gpt_oss},
      {"minimax_m2", read_minimax_m2},
      {"llama4_text", read_llama4},
      {"llama4", read_llama4, "text_config"},
      {"arctic", read_arctic},
      {"grok-1", read_grok1},
      {"dbrx", read_dbrx},
  };
}

}  // namespace moe::config
