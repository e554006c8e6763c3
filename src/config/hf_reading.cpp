// One function per group of fields.
#include "config/hf_reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

namespace moe::config {
namespace {

void read_dtype(const HfFields& fields, ModelConfig& config) {
  // transformers renamed torch_dtype to dtype in version 4.56.
  const std::string dtype = fields.text_or("dtype", fields.text_or("torch_dtype", "bfloat16"));
  static const std::map<std::string, DType> known = {
      {"float32", DType::f32}, {"bfloat16", DType::bf16}, {"float16", DType::f16}};
  const auto found = known.find(dtype);
  config.layer.dtype = found == known.end() ? DType::bf16 : found->second;
  if (found == known.end()) {
    add_sentence(config.note, fmt::format("the file's dtype is {}, bf16 stands in for it", dtype));
  }
  if (fields.has("quantization_config")) {
    add_sentence(config.note,
                 "the checkpoint is quantized, this suite takes its layer unquantized");
  }
}

}  // namespace

void add_sentence(std::string& text, const std::string& sentence) {
  text += (text.empty() ? "" : "; ") + sentence;
}

void read_activation(const HfFields& fields, const char* key, ModelConfig& config) {
  static const std::map<std::string, Activation> known = {
      {"silu", Activation::swiglu},
      {"swish", Activation::swiglu},
      {"gelu", Activation::geglu},
      {"gelu_new", Activation::geglu_tanh},
      {"gelu_pytorch_tanh", Activation::geglu_tanh},
      {"relu", Activation::reglu},
  };
  const std::string name = fields.text_or(key, "silu");
  const auto found = known.find(name);
  if (found == known.end()) {
    config.unsupported = fmt::format("{} '{}': no such gated activation is here", key, name);
  } else {
    config.layer.activation = found->second;
  }
}

ModelConfig read_decoder(const HfFields& fields) {
  ModelConfig config;
  config.layer.hidden_dim = fields.size("hidden_size");
  config.num_layers = fields.size("num_hidden_layers");
  read_dtype(fields, config);
  read_activation(fields, "hidden_act", config);
  config.vocab_size = fields.count_or("vocab_size", 0);
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  config.max_context = fields.count_or("max_position_embeddings", 0);
  return config;
}

Attention read_grouped_query(const HfFields& fields, std::int64_t hidden_dim) {
  Attention attention;
  if (!fields.has("num_attention_heads")) return attention;
  attention.kind = AttentionKind::grouped_query;
  attention.num_heads = fields.size("num_attention_heads");
  attention.num_kv_heads = fields.size_or("num_key_value_heads", attention.num_heads);
  attention.head_dim = fields.size_or("head_dim", hidden_dim / attention.num_heads);
  return attention;
}

Attention read_latent(const HfFields& fields) {
  Attention attention;
  if (!fields.has("kv_lora_rank")) return attention;
  attention.kind = AttentionKind::latent;
  attention.num_heads = fields.size("num_attention_heads");
  attention.q_lora_rank = fields.count_or("q_lora_rank", 0);
  attention.kv_lora_rank = fields.size("kv_lora_rank");
  attention.qk_rope_head_dim = fields.size("qk_rope_head_dim");
  attention.qk_nope_head_dim = fields.size("qk_nope_head_dim");
  attention.v_head_dim = fields.size("v_head_dim");
  if (fields.has("index_n_heads")) {
    attention.index = {fields.size("index_n_heads"), fields.size("index_head_dim"),
                       fields.size("index_topk")};
  }
  fields.has("num_key_value_heads");  // of no effect beside a latent
  fields.has("head_dim");
  return attention;
}

void read_sliding_window(const HfFields& fields, std::int64_t otherwise, ModelConfig& config) {
  const std::int64_t window = fields.count_or("sliding_window", 0);
  const bool used = fields.flag_or("use_sliding_window", true);
  const std::int64_t layers =
      fields.has("layer_types") ? count_layer_types(fields, "sliding_attention") : otherwise;
  const bool shorter = config.max_context == 0 || window < config.max_context;
  const bool known = config.attention.kind != AttentionKind::none;
  if (!known || !used || !shorter || window == 0 || layers == 0) return;
  config.attention.sliding_window = window;
  config.attention.num_sliding_layers = layers;
}

std::int64_t count_layer_types(const HfFields& fields, std::string_view type) {
  return std::ranges::count(fields.texts("layer_types"), type);
}

std::int64_t layers_on_step(std::int64_t end, std::int64_t step, std::int64_t offset) {
  return offset < end ? (end - offset + step - 1) / step : 0;
}

}  // namespace moe::config
