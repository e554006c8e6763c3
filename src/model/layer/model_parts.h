// Parameters, arithmetic and cache of a whole decoder model, part by part. Norms, biases and
// position tables are left out (under a thousandth); so are layers for multi-token prediction.
#pragma once

#include <cstdint>

#include "moe/config.h"

namespace moe::model {

/// Parameters of each part. Vectors of one layer; `embedding` and `head` once per model.
struct ModelParts {
  double attention = 0;       // of one layer that has it
  double linear_mixer = 0;    // of one layer that has it in place of attention
  double dense_mlp = 0;       // of one dense layer
  double routed_experts = 0;  // of one MoE layer, all experts
  double router_and_shared = 0;
  double embedding = 0;  // vocab * d
  double head = 0;       // vocab * d as well; arithmetic even when tied
  double total = 0;      // of the model; a tied head counts once
  double active = 0;     // that one token passes, without the embedding's look-up
};
ModelParts model_parts(const ModelConfig& model);

/// FLOP of one token in one forward pass, multiply-add = 2. Backward takes twice that.
struct TokenFlops {
  double attention_products = 0;  // projections, all layers; linear mixers too
  double attention_scores = 0;    // QK^T and PV over `mean_context` tokens, all layers
  double experts = 0;             // routed and shared experts and the router, all layers
  double dense_mlp = 0;           // all layers
  double head = 0;

  double total() const {
    return attention_products + attention_scores + experts + dense_mlp + head;
  }
};

/// `context`: tokens that one token attends to where nothing limits it. Training on whole sequences
/// with a causal mask: half their length, causal_context(). Decoding: the length so far.
TokenFlops forward_flops(const ModelConfig& model, double context);

/// Mean tokens that a token of a sequence attends to under a causal mask, at most `window` (0 = no
/// window).
double causal_context(double seq_len, double window);

/// Attention score FLOP of one token in one layer without window, per attended token.
double score_flops_per_context(const Attention& attention);

/// Bytes that one token adds to the key-value cache over all layers, and state that does not grow.
struct CacheBytes {
  double per_token = 0;          // of layers that see everything
  double sliding_per_token = 0;  // of layers that keep only the last `sliding_window` tokens
  double per_sequence = 0;       // states of linear mixers

  /// Of one sequence of `context` tokens.
  double of_sequence(double context, double window) const;
};
CacheBytes cache_bytes(const ModelConfig& model, double bytes_per_element);

/// Bytes that training keeps of one token in the attention block of one layer: norms' inputs, q, k,
/// v and the output (scores are recomputed, as FlashAttention does).
double attention_saved_bytes(const ModelConfig& model, double bytes_per_element);

/// Whether attention, vocabulary and dense layers are known: without them only layers can be
/// counted.
bool is_whole_model(const ModelConfig& model);

}  // namespace moe::model
