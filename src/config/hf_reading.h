// Inside the room: what the readers of all families share. Absent fields take the default of the
// family's configuration class in huggingface/transformers, except sizes of the MoE layer that
// every published file states: those are required. Attention and vocabulary may be absent: unknown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/hf_fields.h"
#include "moe/config.h"

namespace moe::config {

/// "a" and "b" become "a; b".
void add_sentence(std::string& text, const std::string& sentence);

/// Width, depth, activation, types, vocabulary and context.
ModelConfig read_decoder(const HfFields& fields);

/// hidden_act, the function of the gate: experts are gated, so "silu" is SwiGLU. `key` may be
/// another name of the field.
void read_activation(const HfFields& fields, const char* key, ModelConfig& config);

/// num_attention_heads, num_key_value_heads, head_dim; kind none when the first is absent.
Attention read_grouped_query(const HfFields& fields, std::int64_t hidden_dim);

/// The sizes of MLA, and of the sparse index where there is one.
Attention read_latent(const HfFields& fields);

/// sliding_window and the layers that have it: those that layer_types names, or `otherwise`.
void read_sliding_window(const HfFields& fields, std::int64_t otherwise, ModelConfig& config);

/// Entries of layer_types with that value.
std::int64_t count_layer_types(const HfFields& fields, std::string_view type);

/// Layers below `end` whose number is a multiple of `step`, plus `offset`.
std::int64_t layers_on_step(std::int64_t end, std::int64_t step, std::int64_t offset = 0);

}  // namespace moe::config
