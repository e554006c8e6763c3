// One entry per field.
#include "cli/shape_fields.h"

#include <limits>

#include "config/enum_names.h"
#include "config/load.h"
#include "moe/error.h"
#include "routing/traffic.h"

namespace moe::programs {
namespace {

/// A field that is one whole number of the model; `Access` gives a reference to it.
template <class Access>
ShapeField number(const char* name, const char* flag, const char* help, Access) {
  return {name,
          flag,
          help,
          true,
          [](Shape& shape, const std::string& value) { Access{}(shape.model) = std::stoll(value); },
          [](const Shape& shape) { return std::to_string(Access{}(shape.model)); }};
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

void set_config(Shape& shape, const std::string& value) {
  shape.model = config::load_config(value);
  shape.model.layer.rounding.rule = RoundingRule::nearest;
}

/// config::validate() would speak of --seq-len, which nobody gave.
void set_tokens(Shape& shape, const std::string& value) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const std::int64_t tokens = std::stoll(value);
  if (tokens < 1) {
    throw Error(ErrorKind::usage, "--tokens " + value + ": at least 1 token is needed", "",
                "use --tokens 1 or more");
  }
  if (tokens > kMost) {
    throw Error(ErrorKind::usage,
                "--tokens " + value + ": no size may be above " + std::to_string(kMost), "",
                "use fewer tokens");
  }
  shape.model.batch_size = 1;
  shape.model.seq_len = tokens;
}

void set_expert_bias(Shape& shape, const std::string& value) {
  if (value != "true" && value != "false") {
    throw Error(ErrorKind::usage, "--expert-bias " + value + ": neither true nor false");
  }
  shape.model.layer.expert_bias = value == "true";
}

void set_rounding(Shape& shape, const std::string& value) {
  shape.model.layer.rounding.rule = config::parse_rounding_rule(value);
  if (shape.model.layer.rounding.rule != RoundingRule::none) return;
  throw Error(ErrorKind::usage, "--rounding none", "the rule is for +rounding rows, which round",
              "leave those rows out: --variants vanilla,grouped_gemm,sonic");
}

void set_traffic(Shape& shape, const std::string& value) {
  shape.traffic = routing::to_string(routing::parse_traffic(value));
}

}  // namespace

const std::vector<ShapeField>& shape_fields() {
  static const std::vector<ShapeField> fields = {
      {"config", "--config", "preset, FILE.toml, or a Hugging Face config.json", false, set_config,
       [](const Shape& shape) { return shape.model.name; }},
      number(
          "num_experts", "--num-experts", "routed experts [E]",
          [](auto& model) -> auto& { return model.layer.num_experts; }),
      number(
          "hidden_dim", "--hidden-dim", "model width [d]",
          [](auto& model) -> auto& { return model.layer.hidden_dim; }),
      number(
          "ffn_dim", "--ffn-dim", "width of one expert [n]",
          [](auto& model) -> auto& { return model.layer.ffn_dim; }),
      number(
          "top_k", "--top-k", "experts per token [K]",
          [](auto& model) -> auto& { return model.layer.top_k; }),
      number(
          "batch_size", "--batch-size", "sequences in a batch",
          [](auto& model) -> auto& { return model.batch_size; }),
      number(
          "seq_len", "--seq-len", "tokens in a sequence",
          [](auto& model) -> auto& { return model.seq_len; }),
      {"tokens", "--tokens", "tokens entering the layer [T], in place of the two above", true,
       set_tokens, [](const Shape& shape) { return std::to_string(shape.model.tokens()); }},
      {"activation", "--activation", all_activations(), false,
       [](Shape& shape, const std::string& value) {
         shape.model.layer.activation = config::parse_activation(value);
       },
       [](const Shape& shape) { return std::string(name_of(shape.model.layer.activation)); }},
      {"up_layout", "--up-layout", "rows of w_up: concatenated (gate, then up) | interleaved",
       false,
       [](Shape& shape, const std::string& value) {
         shape.model.layer.up_layout = config::parse_up_layout(value);
       },
       [](const Shape& shape) { return std::string(name_of(shape.model.layer.up_layout)); }},
      {"expert_bias", "--expert-bias", "biases of routed experts: true | false", false,
       set_expert_bias,
       [](const Shape& shape) {
         return std::string(shape.model.layer.expert_bias ? "true" : "false");
       }},
      {"dtype", "--dtype", "fp32 | bf16 | fp16", false,
       [](Shape& shape, const std::string& value) {
         shape.model.layer.dtype = config::parse_dtype(value);
       },
       [](const Shape& shape) { return std::string(name_of(shape.model.layer.dtype)); }},
      number(
          "tile", "--tile", "multiple that +rounding rows round to (changes results)",
          [](auto& model) -> auto& { return model.layer.rounding.tile; }),
      {"rounding", "--rounding",
       "rule of +rounding rows: nearest | up | down | stochastic | stochastic_score | balance",
       false, set_rounding,
       [](const Shape& shape) { return std::string(name_of(shape.model.layer.rounding.rule)); }},
      {"routing", "--routing", "natural | balanced | zipf:S | hot:N | trace:FILE[@LAYER]", false,
       set_traffic, [](const Shape& shape) { return shape.traffic; }}};
  return fields;
}

const ShapeField* find_shape_field(const std::string& name) {
  for (const ShapeField& field : shape_fields()) {
    if (name == field.name) return &field;
  }
  return nullptr;
}

}  // namespace moe::programs
