// One lookup for all enumerations: the accepted values are listed, their names come from name_of().
#include "config/enum_names.h"

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "config/nearest_name.h"
#include "moe/error.h"

namespace moe::config {
namespace {

template <class Enum>
Enum parse(std::string_view noun, std::string_view text, std::span<const Enum> accepted) {
  std::vector<std::string> names;
  for (Enum value : accepted) {
    if (lower_case(text) == name_of(value)) return value;
    names.emplace_back(name_of(value));
  }
  throw Error(ErrorKind::usage, unknown_name(noun, text, names), {}, "known: " + listed(names));
}

template <class Enum>
Enum parse(std::string_view noun, std::string_view text, std::initializer_list<Enum> accepted) {
  return parse(noun, text, std::span<const Enum>(accepted.begin(), accepted.size()));
}

}  // namespace

DType parse_dtype(std::string_view text) {
  return parse("dtype", text, {DType::f32, DType::bf16, DType::f16});
}

Activation parse_activation(std::string_view text) {
  return parse("activation", text, std::span<const Activation>(kActivations));
}

UpLayout parse_up_layout(std::string_view text) {
  return parse("up layout", text, {UpLayout::concatenated, UpLayout::interleaved});
}

RoundingRule parse_rounding_rule(std::string_view text) {
  return parse("rounding rule", text,
               {RoundingRule::none, RoundingRule::nearest, RoundingRule::up, RoundingRule::down,
                RoundingRule::stochastic, RoundingRule::stochastic_score, RoundingRule::balance});
}

GateKind parse_gate_kind(std::string_view text) {
  return parse("gate kind", text,
               {GateKind::topk_softmax, GateKind::softmax_topk, GateKind::sigmoid});
}

AttentionKind parse_attention_kind(std::string_view text) {
  return parse("attention kind", text,
               {AttentionKind::none, AttentionKind::grouped_query, AttentionKind::latent});
}

}  // namespace moe::config
