// Rows of a recorded choice, by the same functions that make those of a router.
#include "routing/replay.h"

#include <cstddef>

#include "moe/error.h"
#include "routing/gate.h"
#include "routing/rows.h"

namespace moe::routing {
namespace {

void gate_scores(const LayerConfig& config, const float* logits,
                 const std::vector<TokenNorm>& norms, GivenRows& rows) {
  for (std::size_t pair = 0; pair < rows.chosen_experts.size(); ++pair) {
    const std::size_t token = pair / static_cast<std::size_t>(config.top_k);
    const float logit = logits[token * static_cast<std::size_t>(config.num_experts) +
                               static_cast<std::size_t>(rows.chosen_experts[pair])];
    rows.chosen_scores[pair] = pair_score(config, logit, norms[token]);
  }
}

}  // namespace

Routing GivenRows::view() {
  const auto ints = [](std::vector<std::int32_t>& values) {
    return TensorView(values.data(), DType::i32, {std::ssize(values)});
  };
  const auto floats = [](std::vector<float>& values) {
    return TensorView(values.data(), DType::f32, {std::ssize(values)});
  };
  return {ints(expert_offsets), ints(row_tokens), floats(row_scores),   ints(token_offsets),
          ints(token_rows),     max_rows,         ints(chosen_experts), floats(chosen_scores)};
}

std::optional<std::string> replay_refusal(const LayerConfig& config, const TraceLayer& layer) {
  if (!may_add_pairs(config.rounding.rule) || !layer.logits.empty()) return {};
  return "rounding by '" + std::string(name_of(config.rounding.rule)) +
         "' adds pairs, and the trace has no logits to rank them by; record it with --logits, or "
         "use --rounding down";
}

GivenRows replay(const LayerConfig& config, const TraceLayer& layer, std::int64_t tokens,
                 std::uint64_t rounding_seed) {
  if (const auto reason = replay_refusal(config, layer)) {
    throw Error(ErrorKind::usage, "cannot replay a trace", *reason);
  }
  const std::int64_t pairs = tokens * config.top_k, max_rows = max_routed_rows(config, tokens);
  GivenRows rows{
      .max_rows = max_rows,
      .expert_offsets = std::vector<std::int32_t>(config.num_experts + 1),
      .row_tokens = std::vector<std::int32_t>(max_rows),
      .token_rows = std::vector<std::int32_t>(max_rows),
      .row_scores = std::vector<float>(max_rows),
      .token_offsets = std::vector<std::int32_t>(tokens + 1),
      .chosen_experts = {layer.experts.begin(), layer.experts.begin() + pairs},
      .chosen_scores = std::vector<float>(pairs, 1.0f / static_cast<float>(config.top_k))};
  std::vector<TokenNorm> norms(layer.logits.empty() ? 0 : tokens);
  if (!norms.empty()) {
    norms_of_choice(config, layer.logits.data(), rows.chosen_experts.data(), tokens, norms.data());
  }
  if (!layer.scores.empty()) {
    rows.chosen_scores.assign(layer.scores.begin(), layer.scores.begin() + pairs);
  } else if (!norms.empty()) {
    gate_scores(config, layer.logits.data(), norms, rows);
  }
  const Rows out{rows.expert_offsets.data(), rows.row_tokens.data(), rows.row_scores.data()};
  if (config.rounding.rule == RoundingRule::none) {
    build_rows(config, rows.chosen_experts.data(), rows.chosen_scores.data(), tokens, out);
  } else {
    std::vector<std::byte> scratch(rounding_scratch_bytes(tokens, 1));
    build_rounded_rows(config, layer.logits.data(), rows.chosen_experts.data(),
                       rows.chosen_scores.data(), norms.data(), tokens, scratch.data(),
                       scratch.size(), out, rounding_seed);
  }
  build_token_rows(rows.expert_offsets.data(), rows.row_tokens.data(), config.num_experts, tokens,
                   rows.token_offsets.data(), rows.token_rows.data());
  return rows;
}

}  // namespace moe::routing
