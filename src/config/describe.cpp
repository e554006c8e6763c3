// Counts first, then one function per line that needs words.
#include "config/describe.h"

#include <fmt/format.h>

#include "config/nearest_name.h"
#include "config/presets.h"

namespace moe::config {
namespace {

/// "11320164608" -> "11,320,164,608".
std::string with_commas(std::int64_t value) {
  std::string digits = std::to_string(value);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::int64_t expert_parameters(const LayerConfig& layer) {
  return layer.up_dim() * layer.hidden_dim + layer.hidden_dim * layer.ffn_dim;
}

std::string gate_in_words(const Gate& gate) {
  std::string text;
  switch (gate.kind) {
    case GateKind::topk_softmax: text = "top-k by logit, then softmax over the chosen"; break;
    case GateKind::softmax_topk: text = "softmax over all experts, then top-k"; break;
    case GateKind::sigmoid: text = "sigmoid of each logit, then top-k"; break;
  }
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
  const std::int64_t with_experts = config.num_layers - config.num_dense_layers;
  return fmt::format("{}, {} with experts, {} dense", config.num_layers, with_experts,
                     config.num_dense_layers);
}

std::string weights_in_words(const LayerConfig& layer) {
  const double bytes = static_cast<double>(layer.num_experts * expert_parameters(layer)) *
                       static_cast<double>(size_of(layer.dtype));
  const bool large = bytes >= 0.1 * 0x1p30;
  return fmt::format("{:.2f} {} of experts in {}", bytes / (large ? 0x1p30 : 0x1p20),
                     large ? "GiB" : "MiB", name_of(layer.dtype));
}

std::string heading(const ModelConfig& config) {
  // A file may carry a preset's name; it is not found by the preset's aliases.
  const ModelConfig* preset = find_preset(config.name);
  if (preset == nullptr || preset->source != config.source) return config.name;
  const std::vector<std::string> others = aliases(config.name);
  return others.empty() ? config.name : fmt::format("{} (also {})", config.name, listed(others));
}

}  // namespace

LayerParameters count_parameters(const LayerConfig& layer) {
  const std::int64_t router = layer.num_experts * layer.hidden_dim;
  const std::int64_t bias = layer.gate.selection_bias ? layer.num_experts : 0;
  const std::int64_t shared =
      layer.shared_up_dim() * layer.hidden_dim + layer.hidden_dim * layer.shared.ffn_dim;
  const std::int64_t shared_gate = layer.shared.gated ? layer.hidden_dim : 0;
  const std::int64_t always = router + bias + shared + shared_gate;
  const std::int64_t expert = expert_parameters(layer);
  return {always + layer.num_experts * expert, always + layer.top_k * expert};
}

std::string describe(const ModelConfig& config) {
  const LayerConfig& layer = config.layer;
  const LayerParameters parameters = count_parameters(layer);
  const double mean_rows =
      static_cast<double>(config.tokens() * layer.top_k) / static_cast<double>(layer.num_experts);
  std::string text;
  const auto line = [&text](std::string_view noun, std::string_view words) {
    if (!words.empty()) text += fmt::format("{:<12} {}\n", noun, words);
  };
  line("config", heading(config));
  line("unsupported", config.unsupported.value_or(""));
  line("shape", fmt::format("hidden_dim {}, ffn_dim {}, num_experts {}, top_k {}, {}, {}",
                            layer.hidden_dim, layer.ffn_dim, layer.num_experts, layer.top_k,
                            name_of(layer.activation), name_of(layer.dtype)));
  // An unsupported layer's gate and parameters are not those of LayerConfig: silence, not a guess.
  const bool supported = !config.unsupported;
  if (supported) line("gate", gate_in_words(layer.gate));
  line("shared", shared_in_words(layer.shared));
  line("layers", layers_in_words(config));
  line("tokens",
       fmt::format("{} ({} x {}), {:.1f} rows per expert on average", with_commas(config.tokens()),
                   config.batch_size, config.seq_len, mean_rows));
  if (supported) {
    line("parameters", fmt::format("{} in one MoE layer, {} active per token",
                                   with_commas(parameters.all), with_commas(parameters.active)));
  }
  line("weights", weights_in_words(layer));
  line("note", config.note);
  line("source", config.source);
  return text;
}

}  // namespace moe::config
