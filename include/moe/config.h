// What a layer is: sizes, activation, gate policy, rounding policy, shared expert; and the model
// around it. Symbols in brackets are those of the papers: T tokens, d hidden, n ffn, E experts, K
// experts per token.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moe/attention.h"
#include "moe/dtype.h"

namespace moe {

/// Gated ones have 2n rows of w_up per expert, ordered by UpLayout; the others n. Formulas,
/// derivatives and sources: docs/variants.md.
enum class Activation {
  swiglu,          // silu(gate) * up
  clamped_swiglu,  // (up + 1) * gate * sigmoid(1.702 gate), gate and up clamped at 7 (gpt-oss)
  geglu,           // gelu(gate) * up
  geglu_tanh,      // the same with gelu's tanh approximation
  reglu,           // relu(gate) * up
  silu,            // h * sigmoid(h)
  gelu,            // h * Phi(h), Phi by the error function
  gelu_tanh,       // h * Phi(h), Phi approximated by a tanh
  relu2,           // relu(h)^2
};

inline constexpr Activation kActivations[] = {
    Activation::swiglu,     Activation::clamped_swiglu, Activation::geglu,
    Activation::geglu_tanh, Activation::reglu,          Activation::silu,
    Activation::gelu,       Activation::gelu_tanh,      Activation::relu2};

constexpr bool is_gated(Activation activation) {
  return activation <= Activation::reglu;
}

/// How the rows of gate and up stand in w_up [E, 2n, d] and b_up [E, 2n] of a gated activation.
/// Checkpoints have either, and none is copied into the other.
enum class UpLayout {
  concatenated,  // gate 0 .. n-1, then up 0 .. n-1
  interleaved,   // in turns: row 2i is gate i, row 2i+1 is up i (gpt-oss)
};

enum class GateKind {
  topk_softmax,  // choose by logit, then softmax over the chosen (Mixtral, gpt-oss, Granite)
  softmax_topk,  // softmax over all, then choose (Qwen3, OLMoE, DeepSeek-V2)
  sigmoid,       // sigmoid of each logit; choice by sigmoid + bias (DeepSeek-V3, Kimi, GLM)
};

/// How logits become chosen experts and scores. Source: the model cards named at each kind.
struct Gate {
  GateKind kind = GateKind::topk_softmax;
  bool renormalize = true;  // chosen scores sum to 1 before `scale`; always true for topk_softmax
  bool selection_bias =
      false;  // sigmoid: Weights::b_select is added for the choice, never to the score
  std::int64_t num_groups = 1;   // experts are split into groups of equal size ...
  std::int64_t kept_groups = 1;  // ... and only this many may be chosen from
  float scale = 1.0f;            // of the final scores
  bool logit_bias = false;       // Weights::b_router is added to the logits (gpt-oss)
};

enum class RoundingRule {
  none,
  nearest,           // the nearer multiple, a tie goes down
  up,                // the next multiple
  down,              // the last multiple: token dropping
  stochastic,        // up with the probability that keeps the count on average
  stochastic_score,  // up with a probability from the scores on both sides
  balance,           // up or down, whichever keeps the number of all pairs
};

/// True for rules that may give an expert tokens that did not choose it. They rank all pairs, so
/// they need the router's logits.
constexpr bool may_add_pairs(RoundingRule rule) {
  return rule != RoundingRule::none && rule != RoundingRule::down;
}

/// Tile-aware token rounding (arXiv 2512.14080, section 5): rows per expert become multiples of
/// `tile`.
struct Rounding {
  RoundingRule rule = RoundingRule::none;
  std::int64_t tile = 128;
};

/// A dense MLP that every token passes, of the routed experts' activation; gate rows stand before
/// up rows. Several shared experts are one of their summed width. `gated`: its output is scaled by
/// sigmoid(x . w_shared_gate) (Qwen3-Next).
struct SharedExpert {
  std::int64_t ffn_dim = 0;  // 0 = the model has none
  bool gated = false;
};

struct LayerConfig {
  std::int64_t hidden_dim = 0;   // [d]
  std::int64_t ffn_dim = 0;      // [n] width of one expert
  std::int64_t num_experts = 0;  // [E]
  std::int64_t top_k = 0;        // [K]
  Activation activation = Activation::swiglu;
  DType dtype = DType::f32;  // of weights, activations and gradients; logits and scores are float32
  Gate gate;
  Rounding rounding;
  SharedExpert shared;
  bool expert_bias = false;  // routed experts have Weights::b_up and b_down (gpt-oss)
  UpLayout up_layout = UpLayout::concatenated;  // of routed experts; means nothing when not gated

  /// Rows of w_up per expert: 2n when gated.
  std::int64_t up_dim() const { return is_gated(activation) ? 2 * ffn_dim : ffn_dim; }
  std::int64_t shared_up_dim() const {
    return is_gated(activation) ? 2 * shared.ffn_dim : shared.ffn_dim;
  }
};

/// Most rows that routing can produce from `tokens` tokens: T*K; under rounding that may add pairs
/// E*(tile-1) more, under `balance` (tile-1)/2 more; never above T*E.
constexpr std::int64_t max_routed_rows(const LayerConfig& config, std::int64_t tokens) {
  const std::int64_t chosen = tokens * config.top_k;
  const auto [rule, tile] = config.rounding;
  if (!may_add_pairs(rule)) return chosen;
  const bool balances = rule == RoundingRule::balance;
  const std::int64_t padded =
      chosen + (balances ? (tile - 1) / 2 : config.num_experts * (tile - 1));
  const std::int64_t all_pairs = tokens * config.num_experts;
  return padded < all_pairs ? padded : all_pairs;
}

/// A named model or benchmark shape: the layer, its place in the model and the batch it is run
/// with.
struct ModelConfig {
  std::string name;
  LayerConfig layer;
  std::int64_t batch_size = 1;
  std::int64_t seq_len = 4096;
  std::int64_t num_layers = 1;             // all decoder layers
  std::int64_t num_dense_layers = 0;       // of those, layers with a dense MLP in place of experts
  std::int64_t dense_ffn_dim = 0;          // width of that MLP; 0 = unknown or no such layer
  Attention attention;                     // of the layers that `linear` does not take
  LinearMixer linear;                      // in place of attention
  std::int64_t vocab_size = 0;             // rows of the embedding; 0 = unknown
  bool tied_embeddings = false;            // the output projection is the embedding's transpose
  std::int64_t max_context = 0;            // longest sequence in tokens; 0 = unknown
  std::int64_t num_prediction_layers = 0;  // more MoE layers, for multi-token prediction (MTP)
  std::string source;                      // where the values were read
  std::string note;                        // shown by `show`
  std::optional<std::string> unsupported;  // why this suite cannot express the model's layer
  // Of a file: what it says of the model that is left out here, in words, ...
  std::vector<std::string> not_modelled;
  std::vector<std::string> not_understood;  // ... and fields that no reader knows

  std::int64_t tokens() const { return batch_size * seq_len; }  // [T]
  std::int64_t num_moe_layers() const { return num_layers - num_dense_layers; }
  /// Decoder layers with attention; 0 when its kind is unknown.
  std::int64_t num_attention_layers() const {
    if (attention.kind == AttentionKind::none) return 0;
    return attention.num_layers > 0 ? attention.num_layers : num_layers;
  }
};

constexpr std::string_view name_of(Activation activation) {
  switch (activation) {
    case Activation::swiglu: return "swiglu";
    case Activation::clamped_swiglu: return "clamped_swiglu";
    case Activation::geglu: return "geglu";
    case Activation::geglu_tanh: return "geglu_tanh";
    case Activation::reglu: return "reglu";
    case Activation::silu: return "silu";
    case Activation::gelu: return "gelu";
    case Activation::gelu_tanh: return "gelu_tanh";
    case Activation::relu2: return "relu2";
  }
  return "?";
}

constexpr std::string_view name_of(UpLayout layout) {
  switch (layout) {
    case UpLayout::concatenated: return "concatenated";
    case UpLayout::interleaved: return "interleaved";
  }
  return "?";
}

constexpr std::string_view name_of(GateKind kind) {
  switch (kind) {
    case GateKind::topk_softmax: return "topk_softmax";
    case GateKind::softmax_topk: return "softmax_topk";
    case GateKind::sigmoid: return "sigmoid";
  }
  return "?";
}

constexpr std::string_view name_of(RoundingRule rule) {
  switch (rule) {
    case RoundingRule::none: return "none";
    case RoundingRule::nearest: return "nearest";
    case RoundingRule::up: return "up";
    case RoundingRule::down: return "down";
    case RoundingRule::stochastic: return "stochastic";
    case RoundingRule::stochastic_score: return "stochastic_score";
    case RoundingRule::balance: return "balance";
  }
  return "?";
}

}  // namespace moe
