// What a decoder layer has beside its MLP: attention, and the mixers that some models have in place
// of it in most layers. The suite runs none of this; whole-model counts of parameters, arithmetic
// and cache need it.
#pragma once

#include <cstdint>
#include <string_view>

namespace moe {

enum class AttentionKind {
  none,           // unknown, or the model has none
  grouped_query,  // num_heads queries share num_kv_heads keys and values: MHA, GQA and MQA
  latent,         // MLA: keys and values are projected from one low-rank latent (DeepSeek, Kimi)
};

/// Each token attends to the `top_k` earlier tokens that a small indexer scores highest
/// (DeepSeek-V3.2's sparse attention).
struct SparseIndex {
  std::int64_t num_heads = 0;  // 0 = every token attends to all
  std::int64_t head_dim = 0;
  std::int64_t top_k = 0;
};

/// Sizes of one attention layer, in the words of config.json. Those of the other kind are 0.
struct Attention {
  AttentionKind kind = AttentionKind::none;
  std::int64_t num_layers = 0;  // decoder layers that have it; 0 = all
  std::int64_t num_heads = 0;
  // grouped_query
  std::int64_t num_kv_heads = 0;
  std::int64_t head_dim = 0;
  bool output_gate = false;  // a second projection as wide as the queries' gates the output
  // latent
  std::int64_t q_lora_rank = 0;       // 0 = queries are projected directly
  std::int64_t kv_lora_rank = 0;      // of the latent that the cache keeps ...
  std::int64_t qk_rope_head_dim = 0;  // ... beside one rotary key that all heads share
  std::int64_t qk_nope_head_dim = 0;  // per head, of queries and keys without position
  std::int64_t v_head_dim = 0;
  SparseIndex index;
  // Of `num_layers`, those whose tokens see only the last `sliding_window` tokens.
  std::int64_t sliding_window = 0;  // 0 = none
  std::int64_t num_sliding_layers = 0;
};

/// Linear attention or a state-space model in place of attention (Qwen3-Next's gated DeltaNet,
/// Mamba): a state of fixed size instead of a cache that grows. Its families differ too much for
/// common sizes, so the reader of each counts.
struct LinearMixer {
  std::int64_t num_layers = 0;      // decoder layers that have it; 0 = none
  std::int64_t parameters = 0;      // of one layer
  std::int64_t state_elements = 0;  // of one layer and sequence, whatever its length
};

constexpr std::string_view name_of(AttentionKind kind) {
  switch (kind) {
    case AttentionKind::none: return "none";
    case AttentionKind::grouped_query: return "grouped_query";
    case AttentionKind::latent: return "latent";
  }
  return "?";
}

}  // namespace moe
