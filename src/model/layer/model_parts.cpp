// Sizes of config.json to parameters, FLOP and bytes.
#include "model/layer/model_parts.h"

#include <algorithm>

#include "model/layer/layer_cost.h"

namespace moe::model {
namespace {

double as_double(std::int64_t value) {
  return static_cast<double>(value);
}

/// Widths of one attention layer per token.
struct Widths {
  double q = 0, k = 0, v = 0, out = 0;  // what the score product reads and writes
  double latent = 0;                    // low-rank activations before q, k, v
  double scores = 0;                    // sum over heads of (dk + dv)
};

Widths widths_of(const Attention& a) {
  Widths w;
  if (a.kind == AttentionKind::grouped_query) {
    w.q = w.out = as_double(a.num_heads * a.head_dim);
    w.k = w.v = as_double(a.num_kv_heads * a.head_dim);
    w.scores = as_double(a.num_heads * 2 * a.head_dim);
  } else if (a.kind == AttentionKind::latent) {
    const std::int64_t dk = a.qk_nope_head_dim + a.qk_rope_head_dim;
    w.q = w.k = as_double(a.num_heads * dk);
    w.v = w.out = as_double(a.num_heads * a.v_head_dim);
    w.latent = as_double(a.q_lora_rank + a.kv_lora_rank + a.qk_rope_head_dim);
    w.scores = as_double(a.num_heads * (dk + a.v_head_dim));
  }
  return w;
}

double grouped_query_parameters(const Attention& a, double d) {
  const double q = as_double(a.num_heads * a.head_dim);
  const double kv = as_double(a.num_kv_heads * a.head_dim);
  return d * q + 2 * d * kv + q * d + (a.output_gate ? d * q : 0);
}

double latent_parameters(const Attention& a, double d) {
  const double heads = as_double(a.num_heads);
  const double dk = as_double(a.qk_nope_head_dim + a.qk_rope_head_dim);
  const double q_rank = as_double(a.q_lora_rank), kv_rank = as_double(a.kv_lora_rank);
  const double q = q_rank > 0 ? d * q_rank + q_rank * heads * dk : d * heads * dk;
  const double kv = d * (kv_rank + as_double(a.qk_rope_head_dim)) +
                    kv_rank * heads * as_double(a.qk_nope_head_dim + a.v_head_dim);
  return q + kv + heads * as_double(a.v_head_dim) * d;
}

double index_parameters(const Attention& a, double d) {
  const SparseIndex& index = a.index;
  if (index.num_heads == 0) return 0;
  const double q_from = a.q_lora_rank > 0 ? as_double(a.q_lora_rank) : d;
  return q_from * as_double(index.num_heads * index.head_dim) + d * as_double(index.head_dim) +
         d * as_double(index.num_heads);
}

double attention_parameters(const Attention& a, double d) {
  if (a.kind == AttentionKind::grouped_query) {
    return grouped_query_parameters(a, d) + index_parameters(a, d);
  }
  if (a.kind == AttentionKind::latent) return latent_parameters(a, d) + index_parameters(a, d);
  return 0;
}

double mlp_parameters(const ModelConfig& model) {
  const double matrices = is_gated(model.layer.activation) ? 3 : 2;
  return matrices * as_double(model.layer.hidden_dim) * as_double(model.dense_ffn_dim);
}

/// Score FLOP of one token in one layer that attends to `context` tokens.
double layer_scores(const Attention& a, double context) {
  double attended = context, indexer = 0;
  if (a.index.num_heads > 0) {
    indexer = 2 * context * as_double(a.index.num_heads * a.index.head_dim);
    attended = std::min(context, as_double(a.index.top_k));
  }
  return attended * score_flops_per_context(a) + indexer;
}

}  // namespace

ModelParts model_parts(const ModelConfig& model) {
  const LayerConfig& layer = model.layer;
  const double d = as_double(layer.hidden_dim);
  const double expert = d * as_double(layer.up_dim() + layer.ffn_dim);
  const double moe_layers = as_double(model.num_moe_layers());
  const double dense_layers = as_double(model.num_dense_layers);
  ModelParts parts;
  parts.attention = attention_parameters(model.attention, d);
  parts.linear_mixer = as_double(model.linear.parameters);
  parts.dense_mlp = mlp_parameters(model);
  parts.routed_experts = as_double(layer.num_experts) * expert;
  parts.router_and_shared =
      moe_layers > 0 ? as_double(layer_parameters(layer)) - parts.routed_experts : 0;
  parts.embedding = parts.head = as_double(model.vocab_size) * d;
  const double mixers = as_double(model.num_attention_layers()) * parts.attention +
                        as_double(model.linear.num_layers) * parts.linear_mixer;
  const double everywhere =
      mixers + dense_layers * parts.dense_mlp + moe_layers * parts.router_and_shared + parts.head;
  parts.total = everywhere + moe_layers * parts.routed_experts +
                (model.tied_embeddings ? 0 : parts.embedding);
  parts.active = everywhere + moe_layers * as_double(layer.top_k) * expert;
  return parts;
}

double score_flops_per_context(const Attention& attention) {
  return 2 * widths_of(attention).scores;
}

double causal_context(double seq_len, double window) {
  if (window <= 0 || window >= seq_len) return seq_len / 2;
  return window - window * window / (2 * seq_len);
}

TokenFlops forward_flops(const ModelConfig& model, double context) {
  const ModelParts parts = model_parts(model);
  const Attention& a = model.attention;
  const double sliding = as_double(a.num_sliding_layers);
  const double full = as_double(model.num_attention_layers()) - sliding;
  const double window = as_double(a.sliding_window);
  TokenFlops flops;
  flops.attention_products = 2 * (as_double(model.num_attention_layers()) * parts.attention +
                                  as_double(model.linear.num_layers) * parts.linear_mixer);
  flops.attention_scores =
      full * layer_scores(a, context) +
      sliding * layer_scores(a, window > 0 ? causal_context(2 * context, window) : context) +
      4 * as_double(model.linear.num_layers * model.linear.state_elements);
  const double expert = parts.routed_experts / std::max(1.0, as_double(model.layer.num_experts));
  flops.experts = 2 * as_double(model.num_moe_layers()) *
                  (as_double(model.layer.top_k) * expert + parts.router_and_shared);
  flops.dense_mlp = 2 * as_double(model.num_dense_layers) * parts.dense_mlp;
  flops.head = 2 * parts.head;
  return flops;
}

double CacheBytes::of_sequence(double context, double window) const {
  return per_token * context + sliding_per_token * std::min(context, window) + per_sequence;
}

CacheBytes cache_bytes(const ModelConfig& model, double bytes_per_element) {
  const Attention& a = model.attention;
  const double elements = a.kind == AttentionKind::latent
                              ? as_double(a.kv_lora_rank + a.qk_rope_head_dim)
                              : 2 * as_double(a.num_kv_heads * a.head_dim);
  const double index = as_double(a.index.num_heads > 0 ? a.index.head_dim : 0);
  const double sliding = as_double(a.num_sliding_layers);
  const double full = as_double(model.num_attention_layers()) - sliding;
  const double layer_bytes = (elements + index) * bytes_per_element;
  return {full * layer_bytes, sliding * layer_bytes,
          as_double(model.linear.num_layers * model.linear.state_elements) * bytes_per_element};
}

double attention_saved_bytes(const ModelConfig& model, double bytes_per_element) {
  const Widths w = widths_of(model.attention);
  const double d = as_double(model.layer.hidden_dim);
  return (2 * d + w.latent + w.q + w.k + w.v + w.out) * bytes_per_element;
}

bool is_whole_model(const ModelConfig& model) {
  const bool dense_known = model.num_dense_layers == 0 || model.dense_ffn_dim > 0;
  const bool mixer_known =
      model.attention.kind != AttentionKind::none || model.linear.num_layers > 0;
  return mixer_known && dense_known && model.vocab_size > 0;
}

}  // namespace moe::model
