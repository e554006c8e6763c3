// Strategies as text.
#include <array>
#include <charconv>
#include <utility>

#include "config/nearest_name.h"
#include "model/layer/strategy.h"
#include "moe/error.h"

namespace moe::model {
namespace {

struct Form {
  StrategyKind kind;
  const char* name;
  const char* arguments;  // behind the name
  Strategy usual;         // in `all`
};

constexpr std::array<Form, 9> kForms{{
    {StrategyKind::memory_minimal, "memory-minimal", "", {StrategyKind::memory_minimal}},
    {StrategyKind::chunk, "chunk", ":N", {StrategyKind::chunk, 4}},
    {StrategyKind::in_place_dh, "in-place-dh", "", {StrategyKind::in_place_dh}},
    {StrategyKind::recompute_activation,
     "recompute-activation",
     "",
     {StrategyKind::recompute_activation}},
    {StrategyKind::fp8_activations, "fp8-activations", "", {StrategyKind::fp8_activations}},
    {StrategyKind::offload, "offload", "", {StrategyKind::offload}},
    {StrategyKind::recompute_layer, "recompute-layer", "", {StrategyKind::recompute_layer}},
    {StrategyKind::expert_parallel, "expert-parallel", ":N", {StrategyKind::expert_parallel, 8}},
    {StrategyKind::zero, "zero", ":STAGE:N", {StrategyKind::zero, 8, 1}},
}};

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  std::vector<std::string> forms = strategy_forms();
  throw Error(ErrorKind::usage, "--strategy " + std::string(text), why,
              "known: " + config::listed(forms) + ", all");
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t colon = 0; colon != std::string_view::npos;) {
    colon = text.find(':');
    words.push_back(text.substr(0, colon));
    if (colon != std::string_view::npos) text.remove_prefix(colon + 1);
  }
  return words;
}

std::int64_t number(std::string_view word, std::string_view text, std::int64_t least,
                    std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error == std::errc{} && end == word.data() + word.size() && value >= least && value <= most)
    return value;
  refuse(text, "'" + std::string(word) + "' is not a whole number from " + std::to_string(least) +
                   " to " + std::to_string(most));
}

const Form& form_of(StrategyKind kind) {
  for (const Form& form : kForms) {
    if (form.kind == kind) return form;
  }
  throw Error(ErrorKind::internal, "a strategy without a name");
}

}  // namespace

std::vector<std::string> strategy_forms() {
  std::vector<std::string> forms;
  for (const Form& form : kForms) forms.push_back(std::string(form.name) + form.arguments);
  return forms;
}

std::vector<Strategy> all_strategies() {
  std::vector<Strategy> all;
  for (const Form& form : kForms) all.push_back(form.usual);
  return all;
}

Strategy parse_strategy(std::string_view text) {
  constexpr std::int64_t kMostParts = 1 << 20;
  const std::vector<std::string_view> words = split(text);
  std::vector<std::string> names;
  for (const Form& form : kForms) {
    names.emplace_back(form.name);
    if (words.front() != form.name) continue;
    const std::size_t wanted = 1 + std::string_view(form.arguments).size() / 2;
    const bool is_zero = form.kind == StrategyKind::zero;
    if (words.size() != (is_zero ? 3 : wanted > 1 ? 2 : 1)) {
      refuse(text, std::string("write it as ") + form.name + form.arguments);
    }
    Strategy strategy{form.kind};
    if (is_zero) strategy.zero_stage = static_cast<int>(number(words[1], text, 1, 3));
    if (words.size() > 1) strategy.parts = number(words.back(), text, 2, kMostParts);
    return strategy;
  }
  throw Error(ErrorKind::usage, config::unknown_name("strategy", words.front(), names), "",
              "known: " + config::listed(strategy_forms()) + ", all");
}

std::string to_string(const Strategy& strategy) {
  std::string text = form_of(strategy.kind).name;
  if (strategy.kind == StrategyKind::zero) text += ":" + std::to_string(strategy.zero_stage);
  if (strategy.parts > 1) text += ":" + std::to_string(strategy.parts);
  return text;
}

}  // namespace moe::model
