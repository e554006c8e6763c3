// A table of topics. Names are compared whole; a name that ends in * stands for all that begin so.
#include "config/hf_unread.h"

#include <algorithm>
#include <string_view>

namespace moe::config {
namespace {

struct Topic {
  const char* words;  // "" = nothing to do with the model's shape
  std::vector<std::string_view> fields;
};

const std::vector<Topic>& topics() {
  static const std::vector<Topic> all = {
      {"",
       {"_*",
        "architectures",
        "auto_map",
        "bos_token_id",
        "eos_token_id",
        "pad_token_id",
        "eod_token_id",
        "im_*",
        "sep_token_id",
        "mask_init_id",
        "pad_id",
        "org_vocab_size",
        "dtype",
        "torch_dtype",
        "transformers_version",
        "transformers.js_config",
        "use_cache",
        "initializer_*",
        "init_method",
        "rms_norm_eps",
        "layer_norm_eps",
        "norm_eps",
        "layer_norm_epsilon",
        "model_type",
        "ep_size",
        "pretraining_tp",
        "chunk_size",
        "mamba_chunk_size",
        "use_mamba_kernels",
        "use_flash_*",
        "tokenizer_class",
        "for_llm_class",
        "quantization",
        "quantization_config",
        "id2label",
        "label2id",
        "attention_dropout",
        "*_dropout",
        "hidden_dropout",
        "resid_pdrop",
        "emb_pdrop",
        "rescale_prenorm_residual",
        "residual_in_fp32",
        "num_logits_to_keep",
        "time_step_*",
        "is_decoder",
        "task_specific_*",
        "cla_share_factor",
        "class_token_id",
        "group_limited_greedy",
        "moe_implementation",
        "moe_permutation",
        "fuse_*",
        "use_rmsnorm",
        "normalization_function",
        "max_seq_length",
        "moe_group",
        "moe_use_aux_free",
        "moe_multimodal_*",
        "enable_delay_scale_loss",
        "vision_*",
        "video_*",
        "image_*",
        "text_model_*",
        "add_classification_head",
        "anyres_*",
        "dense_list",
        "kv_lora_rank",
        "qk_nope_head_dim",
        "qk_rope_head_dim",
        "q_lora_rank",
        "v_head_dim",
        "num_media_embeds",
        "position_embedding_xdrope",
        "vit_*",
        "max_sequence_length",
        "enc_index",
        "router_dtype",
        "for_llm_compressor",
        "norm_type",
        "qk_head_dim",
        "attention_head_dim",
        "mamba_hidden_act"}},
      {"rotary positions",
       {"rope_*", "rotary_*", "*_rotary_factor", "original_max_position_embeddings",
        "initial_context_length", "no_rope_layers", "no_rope_layer_interval", "mla_use_nope",
        "position_embedding_type", "attn_temperature_tuning", "floor_scale", "attn_scale",
        "attn_config", "indexer_rope_interleave", "mrope_*"}},
      {"auxiliary losses of training",
       {"router_aux_loss_coef", "aux_loss_alpha", "seq_aux", "output_router_logits",
        "router_z_loss_*", "moe_aux_loss_lambda", "moe_z_loss_*", "*_loss_coef",
        "moe_loss_weight"}},
      {"router noise of training",
       {"router_jitter_noise", "input_jitter_noise", "moe_jitter_eps", "jitter_noise"}},
      {"token dropping and capacity",
       {"moe_drop_tokens", "moe_random_routing_dropped_token", "capacity_factor", "moe_capacity",
        "moe_token_dropping", "moe_min_capacity", "moe_eval_*", "moe_train_*",
        "enable_expert_tensor_parallelism"}},
      {"norms of queries and keys", {"use_qk_norm", "qk_norm*", "qk_layernorm"}},
      {"biases of attention and output",
       {"attention_bias", "attn_bias", "use_bias", "use_qkv_bias", "qkv_bias", "lm_head_bias",
        "mlp_bias", "mamba_proj_bias", "mamba_conv_bias", "use_conv_bias"}},
      {"further norms", {"mamba_inner_layernorms", "postnorm", "use_norm", "sandwich_norm"}},
      {"multipliers of activations",
       {"embedding_multiplier*", "attention_multiplier", "residual_multiplier", "logits_scaling",
        "output_multiplier_scale", "attn_output_multiplier", "layernorm_*"}},
      {"capped or clipped values",
       {"clip_qkv", "max_attn_value", "attn_logit_softcapping", "final_logit_softcapping"}},
      {"multi-token prediction modules",
       {"use_mtp", "num_mtp_modules", "mtp_*", "num_nextn_predict_layers"}},
  };
  return all;
}

bool matches(std::string_view name, std::string_view pattern) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  if (pattern.starts_with('*')) return name.ends_with(pattern.substr(1));
  return name == pattern;
}

const Topic* topic_of(const std::string& field) {
  for (const Topic& topic : topics()) {
    for (std::string_view pattern : topic.fields) {
      if (matches(field, pattern)) return &topic;
    }
  }
  return nullptr;
}

}  // namespace

void report_unread(const std::vector<std::string>& fields, ModelConfig& config) {
  for (const std::string& field : fields) {
    const Topic* topic = topic_of(field);
    if (topic == nullptr) {
      config.not_understood.push_back(field);
    } else if (*topic->words != '\0' &&
               std::ranges::count(config.not_modelled, topic->words) == 0) {
      config.not_modelled.emplace_back(topic->words);
    }
  }
}

}  // namespace moe::config
