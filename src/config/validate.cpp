// Rules in the order: single sizes, sizes against each other, the gate, products.
#include "config/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "moe/error.h"

namespace moe::config {
namespace {

// Single sizes stay below 2^31, so that a product of any two of them fits int64.
constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();

[[noreturn]] void reject(const std::string& what, const std::string& remedy) {
  throw Error(ErrorKind::usage, what, {}, remedy);
}

void check_size(const char* name, std::int64_t value, std::int64_t smallest = 1) {
  if (value < smallest) {
    reject(fmt::format("{} {}: at least {} is needed", name, value, smallest),
           fmt::format("use {} {} or more", name, smallest));
  }
  if (value > kLargest) {
    reject(fmt::format("{} {}: no size may be above {}", name, value, kLargest),
           fmt::format("use a smaller {}", name));
  }
}

void check_sizes(const ModelConfig& config) {
  const LayerConfig& layer = config.layer;
  check_size("--hidden-dim", layer.hidden_dim);
  check_size("--ffn-dim", layer.ffn_dim);
  check_size("--num-experts", layer.num_experts);
  check_size("--top-k", layer.top_k);
  check_size("--tile", layer.rounding.tile);
  check_size("--batch-size", config.batch_size);
  check_size("--seq-len", config.seq_len);
  check_size("shared.ffn_dim", layer.shared.ffn_dim, 0);
  check_size("gate.num_groups", layer.gate.num_groups);
  check_size("gate.kept_groups", layer.gate.kept_groups);
  check_size("model.num_layers", config.num_layers);
  check_size("model.num_dense_layers", config.num_dense_layers, 0);
  check_size("model.dense_ffn_dim", config.dense_ffn_dim, 0);
  check_size("model.vocab_size", config.vocab_size, 0);
  check_size("model.max_context", config.max_context, 0);
  check_size("model.num_prediction_layers", config.num_prediction_layers, 0);
}

void check_attention_sizes(const Attention& attention) {
  const std::int64_t smallest_heads = attention.kind == AttentionKind::none ? 0 : 1;
  const std::int64_t grouped = attention.kind == AttentionKind::grouped_query ? 1 : 0;
  const std::int64_t latent = attention.kind == AttentionKind::latent ? 1 : 0;
  check_size("attention.num_layers", attention.num_layers, 0);
  check_size("attention.num_heads", attention.num_heads, smallest_heads);
  check_size("attention.num_kv_heads", attention.num_kv_heads, grouped);
  check_size("attention.head_dim", attention.head_dim, grouped);
  check_size("attention.q_lora_rank", attention.q_lora_rank, 0);
  check_size("attention.kv_lora_rank", attention.kv_lora_rank, latent);
  check_size("attention.qk_rope_head_dim", attention.qk_rope_head_dim, 0);
  check_size("attention.qk_nope_head_dim", attention.qk_nope_head_dim, latent);
  check_size("attention.v_head_dim", attention.v_head_dim, latent);
  check_size("attention.index.num_heads", attention.index.num_heads, 0);
  const std::int64_t indexed = attention.index.num_heads > 0 ? 1 : 0;
  check_size("attention.index.head_dim", attention.index.head_dim, indexed);
  check_size("attention.index.top_k", attention.index.top_k, indexed);
  check_size("attention.sliding_window", attention.sliding_window, 0);
  check_size("attention.num_sliding_layers", attention.num_sliding_layers, 0);
}

/// Blocks may have a mixer without an MLP (Nemotron-3), so layers of attention and of linear mixers
/// need not add up to num_layers.
void check_mixers(const ModelConfig& config) {
  const Attention& attention = config.attention;
  check_attention_sizes(attention);
  if (attention.kind == AttentionKind::grouped_query &&
      attention.num_heads % attention.num_kv_heads != 0) {
    reject(fmt::format("attention.num_heads {} cannot share attention.num_kv_heads {} equally",
                       attention.num_heads, attention.num_kv_heads),
           fmt::format("use a multiple of {}", attention.num_kv_heads));
  }
  if (attention.num_sliding_layers > 0 && attention.sliding_window == 0) {
    reject("attention.num_sliding_layers is set, but attention.sliding_window is not",
           "set attention.sliding_window, in tokens");
  }
  if (attention.num_sliding_layers > config.num_attention_layers()) {
    reject(fmt::format("attention.num_sliding_layers {} of {} layers with attention",
                       attention.num_sliding_layers, config.num_attention_layers()),
           fmt::format("use {} or less", config.num_attention_layers()));
  }
  const LinearMixer& linear = config.linear;
  check_size("linear.num_layers", linear.num_layers, 0);
  check_size("linear.parameters", linear.parameters, linear.num_layers > 0 ? 1 : 0);
  check_size("linear.state_elements", linear.state_elements, 0);
  const bool unclear = linear.num_layers > 0 && attention.num_layers == 0;
  if (unclear && attention.kind != AttentionKind::none) {
    reject("linear.num_layers is set, but attention.num_layers is not",
           "say how many layers keep attention");
  }
}

void check_layer(const ModelConfig& config) {
  const LayerConfig& layer = config.layer;
  if (layer.dtype != DType::f32 && layer.dtype != DType::bf16 && layer.dtype != DType::f16) {
    reject(fmt::format("--dtype {}: weights and activations are fp32, bf16 or fp16",
                       name_of(layer.dtype)),
           "use --dtype fp32, --dtype bf16 or --dtype fp16");
  }
  if (layer.top_k > layer.num_experts) {
    reject(
        fmt::format("--top-k {} is larger than --num-experts {}", layer.top_k, layer.num_experts),
        fmt::format("use --top-k {} or less, or more experts", layer.num_experts));
  }
  if (layer.up_layout == UpLayout::interleaved && !is_gated(layer.activation)) {
    reject(fmt::format("--up-layout interleaved: {} has no gate for up to stand in turns with",
                       name_of(layer.activation)),
           "use --up-layout concatenated, or a gated --activation");
  }
  if (layer.shared.gated && layer.shared.ffn_dim == 0) {
    reject("shared.gated is set, but there is no shared expert", "set shared.ffn_dim too");
  }
  if (config.num_dense_layers >= config.num_layers) {
    reject(
        fmt::format("model.num_dense_layers {} of model.num_layers {} leaves no layer with experts",
                    config.num_dense_layers, config.num_layers),
        "at least one layer must have experts");
  }
}

void check_groups(const LayerConfig& layer) {
  const Gate& gate = layer.gate;
  if (layer.num_experts % gate.num_groups != 0) {
    reject(fmt::format(
               "--num-experts {} cannot be split into {} groups of equal size (gate.num_groups)",
               layer.num_experts, gate.num_groups),
           fmt::format("use a multiple of {}", gate.num_groups));
  }
  if (gate.kept_groups > gate.num_groups) {
    reject(fmt::format("gate.kept_groups {} is larger than gate.num_groups {}", gate.kept_groups,
                       gate.num_groups),
           fmt::format("keep {} or fewer", gate.num_groups));
  }
  const std::int64_t group_size = layer.num_experts / gate.num_groups;
  if (layer.top_k > gate.kept_groups * group_size) {
    reject(fmt::format("--top-k {} is larger than the {} experts that the gate may choose from "
                       "({} kept groups of {})",
                       layer.top_k, gate.kept_groups * group_size, gate.kept_groups, group_size),
           "use a smaller --top-k, more experts or more kept groups");
  }
}

void check_gate(const Gate& gate) {
  if (gate.kind == GateKind::topk_softmax && !gate.renormalize) {
    reject(
        "gate.renormalize is false, but a topk_softmax gate always renormalizes: its softmax is "
        "over "
        "the chosen experts",
        "use gate.kind softmax_topk for scores that do not sum to 1");
  }
  if (gate.selection_bias && gate.kind != GateKind::sigmoid) {
    reject(fmt::format("gate.selection_bias needs gate.kind sigmoid, not {}", name_of(gate.kind)),
           "set gate.selection_bias to false or gate.kind to sigmoid");
  }
  if (!std::isfinite(gate.scale) || gate.scale <= 0) {
    reject(fmt::format("gate.scale {} is not a finite number above 0", gate.scale),
           "1 leaves scores as they are");
  }
}

void check_rows(const ModelConfig& config) {
  const std::int64_t tokens = config.tokens();
  if (tokens > kLargest) {
    reject(
        fmt::format("--batch-size {} x --seq-len {} is {} tokens: above {}, the largest row number",
                    config.batch_size, config.seq_len, tokens, kLargest),
        "use fewer tokens");
  }
  const std::int64_t rows = max_routed_rows(config.layer, tokens);
  if (rows > kLargest) {
    reject(fmt::format(
               "{} tokens x --top-k {} can make {} routed rows: above {}, the largest row number",
               tokens, config.layer.top_k, rows, kLargest),
           "use fewer tokens, a smaller --top-k or a smaller --tile");
  }
}

void check_bytes(const char* what, std::int64_t rows, std::int64_t columns,
                 std::int64_t copies = 1) {
  // Doubles are exact enough here: the limit leaves a factor of two to what int64 holds.
  const double bytes =
      8.0 * static_cast<double>(rows) * static_cast<double>(columns) * static_cast<double>(copies);
  if (bytes < 0x1p62) return;
  reject(fmt::format("{} would take {:.3g} bytes, more than can be addressed", what, bytes),
         "use smaller sizes");
}

void check_products(const ModelConfig& config) {
  const LayerConfig& layer = config.layer;
  const std::int64_t tokens = config.tokens();
  const std::int64_t rows = max_routed_rows(layer, tokens);
  const std::int64_t widest = std::max(layer.up_dim(), layer.hidden_dim);
  check_bytes("expert weights (--num-experts x --ffn-dim x --hidden-dim)", layer.up_dim(),
              layer.hidden_dim, layer.num_experts);
  check_bytes("router logits (tokens x --num-experts)", tokens, layer.num_experts);
  check_bytes("router weights (--num-experts x --hidden-dim)", layer.num_experts, layer.hidden_dim);
  check_bytes("activations (tokens x --top-k x width)", rows, widest);
  check_bytes("the shared expert's weights", layer.shared_up_dim(), layer.hidden_dim);
  check_bytes("the shared expert's activations", tokens, layer.shared_up_dim());
}

}  // namespace

void validate(const ModelConfig& config) {
  check_sizes(config);
  check_mixers(config);
  check_layer(config);
  check_gate(config.layer.gate);
  check_groups(config.layer);
  check_rows(config);
  check_products(config);
}

void validate(const ModelConfig& config, const std::filesystem::path& file) {
  try {
    validate(config);
  } catch (const Error& error) {
    throw Error(error.kind(), file.string() + ": " + error.what());
  }
}

}  // namespace moe::config
