// Tokens through the layer: their pairs are grouped by expert, so that weights are read once for a
// few tokens.
#include "truth/tokens.h"

#include <algorithm>
#include <span>

#include "truth/element.h"
#include "truth/mlp.h"
#include "truth/weight_gradients.h"

namespace moe::truth {
namespace {

constexpr std::size_t kPassesTogether = 4;

/// A pass and whose it is.
struct Visit {
  std::int64_t expert;  // or kSharedExpert
  std::size_t slot;     // in the list of tokens
  std::int64_t row;     // place in the token's rows
};

/// Visits of all listed tokens, sorted by expert.
std::vector<Visit> list_visits(const Problem& problem, const RoutedRows& routed,
                               const std::vector<std::int64_t>& tokens) {
  std::vector<Visit> visits;
  for (std::size_t slot = 0; slot < tokens.size(); ++slot) {
    const std::int64_t first = routed.token_offsets[tokens[slot]];
    const std::int64_t count = routed.token_offsets[tokens[slot] + 1] - first;
    for (std::int64_t k = 0; k < count; ++k) {
      visits.push_back({routed.row_experts[routed.token_rows[first + k]], slot, k});
    }
    if (problem.config.shared.ffn_dim > 0) visits.push_back({kSharedExpert, slot, 0});
  }
  std::stable_sort(visits.begin(), visits.end(),
                   [](const Visit& a, const Visit& b) { return a.expert < b.expert; });
  return visits;
}

/// Where each group of visits to one expert begins, and the end.
std::vector<std::size_t> split(const std::vector<Visit>& visits) {
  std::vector<std::size_t> begins;
  for (std::size_t v = 0; v < visits.size(); ++v) {
    const bool joins = !begins.empty() && visits[v].expert == visits[v - 1].expert &&
                       v - begins.back() < kPassesTogether;
    if (!joins) begins.push_back(v);
  }
  begins.push_back(visits.size());
  return begins;
}

/// Runs visits that all go to one expert.
void run_visits(const Problem& problem, const RoutedRows& routed,
                const std::vector<std::int64_t>& tokens, std::span<const Visit> visits,
                std::span<Pass> passes) {
  const bool is_shared = visits[0].expert == kSharedExpert;
  const ExpertScope weights(is_shared ? nullptr : problem.experts, visits[0].expert);
  for (std::size_t v = 0; v < visits.size(); ++v) {
    const std::int64_t token = tokens[visits[v].slot];
    const std::int64_t place = routed.token_offsets[token] + visits[v].row;
    passes[v].token = token;
    passes[v].weight =
        is_shared ? shared_weight(problem, token) : routed.row_scores[routed.token_rows[place]];
  }
  const Mlp mlp = is_shared ? shared_mlp(problem) : expert_mlp(problem, visits[0].expert);
  run_forward(problem, mlp, passes);
  if (!problem.d_out.empty()) run_backward(problem, mlp, passes);
}

/// Adds what reaches x through the scores: d_logits . W_router.
void add_router_part(const Problem& problem, const RoutedRows& routed, std::int64_t token,
                     TokenValues& values) {
  const std::int64_t d = problem.config.hidden_dim;
  const std::vector<double> d_logits =
      token_d_logits(problem.config, routed, token, values.d_scores.data());
  for (std::int64_t e = 0; e < problem.config.num_experts; ++e) {
    if (d_logits[e] == 0) continue;
    add_scaled(d_logits[e], read(problem.weights.w_router, e * d, 1, d).data(), d,
               values.d_x.data());
  }
}

void add_pass(const Problem& problem, const Visit& visit, const Pass& pass, TokenValues& values) {
  const std::int64_t d = problem.config.hidden_dim;
  add_scaled(pass.weight, pass.y.data(), d, values.out.data());
  if (problem.d_out.empty()) return;
  add_scaled(1, pass.d_x.data(), d, values.d_x.data());
  if (visit.expert != kSharedExpert) {
    values.d_scores[visit.row] = pass.d_weight;
  } else if (problem.config.shared.gated) {
    const double d_gate_logit = pass.d_weight * pass.weight * (1 - pass.weight);
    const std::vector<double> gate = read(problem.weights.w_shared_gate, 0, 1, d);
    add_scaled(d_gate_logit, gate.data(), d, values.d_x.data());
  }
}

TokenValues empty_values(const Problem& problem, const RoutedRows& routed, std::int64_t token) {
  TokenValues values;
  values.out.assign(problem.config.hidden_dim, 0);
  if (problem.d_out.empty()) return values;
  values.d_x.assign(problem.config.hidden_dim, 0);
  values.d_scores.assign(routed.token_offsets[token + 1] - routed.token_offsets[token], 0);
  return values;
}

}  // namespace

std::vector<TokenValues> token_values(const Problem& problem, const RoutedRows& routed,
                                      const std::vector<std::int64_t>& tokens) {
  const std::vector<Visit> visits = list_visits(problem, routed, tokens);
  const std::vector<std::size_t> begins = split(visits);
  std::vector<Pass> passes(visits.size());
  const std::int64_t work =
      static_cast<std::int64_t>(visits.size()) * problem.config.hidden_dim * problem.config.ffn_dim;
#pragma omp parallel for schedule(dynamic) if (is_worth_threads(work))
  for (std::size_t group = 0; group < begins.size() - 1; ++group) {
    const std::size_t first = begins[group], count = begins[group + 1] - first;
    run_visits(problem, routed, tokens, {&visits[first], count}, {&passes[first], count});
  }

  std::vector<TokenValues> values;
  for (std::int64_t token : tokens) values.push_back(empty_values(problem, routed, token));
  for (std::size_t v = 0; v < visits.size(); ++v) {
    add_pass(problem, visits[v], passes[v], values[visits[v].slot]);
  }
  if (problem.d_out.empty() || routed.given()) return values;
  for (std::size_t slot = 0; slot < tokens.size(); ++slot) {
    add_router_part(problem, routed, tokens[slot], values[slot]);
  }
  return values;
}

}  // namespace moe::truth
