// Counts first, then one function per line that needs words.
#include "model/layer/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/nearest_name.h"
#include "config/presets.h"
#include "model/layer/layer_cost.h"
#include "model/layer/model_parts.h"

namespace moe::model {
namespace {

/// "11320164608" -> "11,320,164,608".
std::string with_commas(std::int64_t value) {
  std::string digits = std::to_string(value);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

/// 671025000000 -> "671 B"; four digits that matter at most.
std::string in_billions(double parameters) {
  const double billions = parameters / 1e9;
  return fmt::format("{:.{}f} B", billions, billions < 100 ? 2 : billions < 1000 ? 1 : 0);
}

std::string gate_in_words(const Gate& gate) {
  std::string text;
  switch (gate.kind) {
    case GateKind::topk_softmax: text = "top-k by logit, then softmax over the chosen"; break;
    case GateKind::softmax_topk: text = "softmax over all experts, then top-k"; break;
    case GateKind::sigmoid: text = "sigmoid of each logit, then top-k"; break;
  }
  if (gate.logit_bias) text += ", logits with a bias";
  if (gate.selection_bias) text += " by score + selection bias";
  if (gate.num_groups > 1) {
    text += fmt::format(", from the best {} of {} groups", gate.kept_groups, gate.num_groups);
  }
  if (gate.kind != GateKind::topk_softmax) {
    text += gate.renormalize ? ", scores renormalized to sum 1" : ", scores not renormalized";
  }
  if (gate.scale != 1.0f) text += fmt::format(", times {}", gate.scale);
  return fmt::format("{}: {}", name_of(gate.kind), text);
}

std::string shared_in_words(const SharedExpert& shared) {
  if (shared.ffn_dim == 0) return "none";
  return fmt::format("ffn_dim {}{}", shared.ffn_dim,
                     shared.gated ? ", scaled by its own sigmoid gate" : "");
}

std::string layers_in_words(const ModelConfig& config) {
  if (config.num_layers == 1) return "1";
  std::string text = fmt::format("{}, {} with experts, {} dense", config.num_layers,
                                 config.num_moe_layers(), config.num_dense_layers);
  if (config.dense_ffn_dim > 0) text += fmt::format(" of ffn_dim {}", config.dense_ffn_dim);
  if (config.num_prediction_layers > 0) {
    text += fmt::format("; {} more for multi-token prediction", config.num_prediction_layers);
  }
  return text;
}

std::string heads_in_words(const Attention& attention) {
  if (attention.kind == AttentionKind::latent) {
    const std::string queries =
        attention.q_lora_rank > 0 ? fmt::format("q_lora_rank {}, ", attention.q_lora_rank) : "";
    return fmt::format("{} heads, {}kv_lora_rank {}, head dims {} + {} rotary, {} of values",
                       attention.num_heads, queries, attention.kv_lora_rank,
                       attention.qk_nope_head_dim, attention.qk_rope_head_dim,
                       attention.v_head_dim);
  }
  return fmt::format("{} heads over {} of keys and values, head_dim {}", attention.num_heads,
                     attention.num_kv_heads, attention.head_dim);
}

std::string attention_in_words(const ModelConfig& config) {
  const Attention& attention = config.attention;
  if (attention.kind == AttentionKind::none) return "";
  std::string text = fmt::format("{}: {}", name_of(attention.kind), heads_in_words(attention));
  if (attention.output_gate) text += ", output gate";
  if (attention.index.num_heads > 0) {
    text += fmt::format("; sparse, to {} tokens that {} index heads of {} choose",
                        attention.index.top_k, attention.index.num_heads, attention.index.head_dim);
  }
  if (attention.num_sliding_layers > 0) {
    text += fmt::format("; {} of {} layers see the last {} tokens", attention.num_sliding_layers,
                        config.num_attention_layers(), with_commas(attention.sliding_window));
  }
  if (config.linear.num_layers > 0) {
    text += fmt::format("; in {} layers, in {} others a linear mixer of {} parameters",
                        config.num_attention_layers(), config.linear.num_layers,
                        with_commas(config.linear.parameters));
  }
  return text;
}

std::string vocabulary_in_words(const ModelConfig& config) {
  if (config.vocab_size == 0) return "";
  std::string text = fmt::format("{}, embeddings {}", with_commas(config.vocab_size),
                                 config.tied_embeddings ? "tied" : "not tied");
  if (config.max_context > 0) {
    text += fmt::format("; context up to {} tokens", with_commas(config.max_context));
  }
  return text;
}

/// Parameters of the whole model; without prediction layers, as their makers count.
std::string model_in_words(const ModelConfig& config) {
  const ModelParts parts = model_parts(config);
  return fmt::format("{} parameters, {} active per token, embedding not counted",
                     in_billions(parts.total), in_billions(parts.active));
}

std::string cache_in_words(const ModelConfig& config) {
  const double bytes_per_element = static_cast<double>(size_of(config.layer.dtype));
  const CacheBytes cache = cache_bytes(config, bytes_per_element);
  std::string text = fmt::format("{} bytes per token in {}",
                                 with_commas(static_cast<std::int64_t>(cache.per_token)),
                                 name_of(config.layer.dtype));
  if (cache.sliding_per_token > 0) {
    text += fmt::format(", {} more of the last {} tokens",
                        with_commas(static_cast<std::int64_t>(cache.sliding_per_token)),
                        with_commas(config.attention.sliding_window));
  }
  if (cache.per_sequence > 0) {
    text += fmt::format(", {:.1f} MiB of state per sequence", cache.per_sequence / 0x1p20);
  }
  return text;
}

std::string weights_in_words(const LayerConfig& layer) {
  const double bytes = static_cast<double>(expert_parameters(layer, layer.num_experts)) *
                       static_cast<double>(size_of(layer.dtype));
  const bool large = bytes >= 0.1 * 0x1p30;
  return fmt::format("{:.2f} {} of experts in {}", bytes / (large ? 0x1p30 : 0x1p20),
                     large ? "GiB" : "MiB", name_of(layer.dtype));
}

std::string heading(const ModelConfig& config) {
  // A file may carry a preset's name; it is not found by the preset's aliases.
  const ModelConfig* preset = config::find_preset(config.name);
  if (preset == nullptr || preset->source != config.source) return config.name;
  const std::vector<std::string> others = config::aliases(config.name);
  return others.empty() ? config.name
                        : fmt::format("{} (also {})", config.name, config::listed(others));
}

}  // namespace

LayerParameters count_parameters(const LayerConfig& layer) {
  const std::int64_t bias = layer.gate.selection_bias ? layer.num_experts : 0;
  const std::int64_t all = layer_parameters(layer) + bias;
  return {all, all - expert_parameters(layer, layer.num_experts - layer.top_k)};
}

std::string describe(const ModelConfig& config) {
  const LayerConfig& layer = config.layer;
  const double mean_rows =
      static_cast<double>(config.tokens() * layer.top_k) / static_cast<double>(layer.num_experts);
  std::string text;
  const auto line = [&text](std::string_view noun, std::string_view words) {
    if (!words.empty()) text += fmt::format("{:<12} {}\n", noun, words);
  };
  line("config", heading(config));
  line("unsupported", config.unsupported.value_or(""));
  line("shape",
       fmt::format("hidden_dim {}, ffn_dim {}, num_experts {}, top_k {}, {}, {}{}{}",
                   layer.hidden_dim, layer.ffn_dim, layer.num_experts, layer.top_k,
                   name_of(layer.activation), name_of(layer.dtype),
                   layer.up_layout == UpLayout::interleaved ? ", gate and up interleaved" : "",
                   layer.expert_bias ? ", experts with biases" : ""));
  // An unsupported layer's gate is not that of LayerConfig: silence, not a guess.
  if (!config.unsupported) line("gate", gate_in_words(layer.gate));
  line("shared", shared_in_words(layer.shared));
  line("attention", attention_in_words(config));
  line("layers", layers_in_words(config));
  line("vocabulary", vocabulary_in_words(config));
  line("tokens",
       fmt::format("{} ({} x {}), {:.1f} rows per expert on average", with_commas(config.tokens()),
                   config.batch_size, config.seq_len, mean_rows));
  const bool whole = is_whole_model(config);
  if (!config.unsupported || whole) {
    const LayerParameters parameters = count_parameters(layer);
    line("parameters", fmt::format("{} in one MoE layer, {} active per token",
                                   with_commas(parameters.all), with_commas(parameters.active)));
  }
  if (whole) {
    line("model", model_in_words(config));
    line("cache", cache_in_words(config));
  }
  line("weights", weights_in_words(layer));
  line("left out", fmt::format("{}", fmt::join(config.not_modelled, ", ")));
  if (!config.not_understood.empty()) {
    line("unknown", fmt::format("{}: no reader knows these fields; they may change the layer",
                                fmt::join(config.not_understood, ", ")));
  }
  line("note", config.note);
  line("source", config.source);
  return text;
}

}  // namespace moe::model
