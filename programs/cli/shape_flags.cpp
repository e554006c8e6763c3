// Flags over a configuration: load it, override it, validate the whole.
#include "cli/shape_flags.h"

#include <CLI/CLI.hpp>
#include <limits>

#include "config/enum_names.h"
#include "config/load.h"
#include "config/validate.h"
#include "moe/error.h"

namespace moe::programs {
namespace {

template <class Value>
void override_with(const std::optional<Value>& given, Value& value) {
  if (given) value = *given;
}

/// "swiglu | ... | relu2".
std::string all_activations() {
  std::string names;
  for (Activation activation : kActivations) {
    if (!names.empty()) names += " | ";
    names += name_of(activation);
  }
  return names;
}

/// config::validate() would speak of --seq-len, which nobody gave.
void check_tokens(std::int64_t tokens) {
  const std::string flag = "--tokens " + std::to_string(tokens);
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (tokens < 1) {
    throw Error(ErrorKind::usage, flag + ": at least 1 token is needed", "",
                "use --tokens 1 or more");
  }
  if (tokens > kMost) {
    throw Error(ErrorKind::usage, flag + ": no size may be above " + std::to_string(kMost), "",
                "use fewer tokens");
  }
}

}  // namespace

void add_shape_flags(CLI::App& app, ShapeFlags& shape) {
  const char* group = "Shape";
  app.add_option("--config", shape.config, "preset, FILE.toml, or a Hugging Face config.json")
      ->capture_default_str()
      ->group(group);
  app.add_option("--num-experts", shape.num_experts, "routed experts [E]")->group(group);
  app.add_option("--hidden-dim", shape.hidden_dim, "model width [d]")->group(group);
  app.add_option("--ffn-dim", shape.ffn_dim, "width of one expert [n]")->group(group);
  app.add_option("--top-k", shape.top_k, "experts per token [K]")->group(group);
  app.add_option("--batch-size", shape.batch_size, "sequences in a batch")->group(group);
  app.add_option("--seq-len", shape.seq_len, "tokens in a sequence")->group(group);
  app.add_option("--tokens", shape.tokens,
                 "tokens entering the layer [T], in place of the two above")
      ->group(group);
  app.add_option("--activation", shape.activation, all_activations())->group(group);
  app.add_option("--dtype", shape.dtype, "fp32 | bf16")->group(group);
  app.add_option("--tile", shape.tile, "multiple that +rounding rows round to (changes results)")
      ->group(group);
  app.add_option("--rounding", shape.rounding, "rule of +rounding rows: nearest | up | down")
      ->group(group);
}

ModelConfig resolve_model(const ShapeFlags& shape) {
  ModelConfig model = config::load_config(shape.config);
  if (model.unsupported) {
    throw Error(ErrorKind::usage, "config '" + model.name + "' is not supported",
                *model.unsupported);
  }
  if (shape.tokens && (shape.batch_size || shape.seq_len)) {
    throw Error(ErrorKind::usage, "--tokens stands in the place of --batch-size and --seq-len", "",
                "give --tokens alone, or the other two");
  }
  LayerConfig& layer = model.layer;
  override_with(shape.num_experts, layer.num_experts);
  override_with(shape.hidden_dim, layer.hidden_dim);
  override_with(shape.ffn_dim, layer.ffn_dim);
  override_with(shape.top_k, layer.top_k);
  override_with(shape.batch_size, model.batch_size);
  override_with(shape.seq_len, model.seq_len);
  if (shape.tokens) {
    check_tokens(*shape.tokens);
    model.batch_size = 1;
    model.seq_len = *shape.tokens;
  }
  if (shape.activation) layer.activation = config::parse_activation(*shape.activation);
  if (shape.dtype) layer.dtype = config::parse_dtype(*shape.dtype);
  override_with(shape.tile, layer.rounding.tile);
  layer.rounding.rule = RoundingRule::nearest;
  if (shape.rounding) layer.rounding.rule = config::parse_rounding_rule(*shape.rounding);
  if (layer.rounding.rule == RoundingRule::none) {
    throw Error(ErrorKind::usage, "--rounding none", "the rule is for +rounding rows, which round",
                "leave those rows out: --variants vanilla,grouped_gemm,sonic");
  }
  config::validate(model);
  return model;
}

}  // namespace moe::programs
