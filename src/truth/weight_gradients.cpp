// Sampled weight gradients: loops over the tokens of an expert.
#include "truth/weight_gradients.h"

#include "truth/element.h"
#include "truth/mlp.h"

namespace moe::truth {
namespace {

/// A token that an MLP serves, and how much of the output it takes.
struct Served {
  std::int64_t token;
  double weight;
};

std::vector<Served> served_by_expert(const RoutedRows& routed, std::int64_t expert) {
  std::vector<Served> served;
  for (std::int32_t row = routed.expert_offsets[expert]; row < routed.expert_offsets[expert + 1];
       ++row) {
    served.push_back({routed.row_tokens[row], routed.row_scores[row]});
  }
  return served;
}

std::vector<Served> served_by_shared(const Problem& problem) {
  std::vector<Served> served(static_cast<std::size_t>(problem.tokens()));
#pragma omp parallel for if (is_worth_threads(problem.x.size()))
  for (std::int64_t t = 0; t < problem.tokens(); ++t) served[t] = {t, shared_weight(problem, t)};
  return served;
}

ChannelGradient channel_gradient(const Problem& problem, const Mlp& mlp,
                                 const std::vector<Served>& served, std::int64_t channel) {
  const std::int64_t d = mlp.hidden_dim, n = mlp.ffn_dim;
  const bool gated = is_gated(mlp.activation);
  const ChannelRows rows = mlp.rows_of(channel);
  const std::vector<double> w_gate = read(mlp.up, mlp.up_first + rows.gate * d, 1, d);
  const std::vector<double> w_up = read(mlp.up, mlp.up_first + rows.up * d, 1, d);
  const std::vector<double> w_down = read(mlp.down, mlp.down_first + channel, n, d);
  ChannelGradient gradient{std::vector<double>(gated ? d : 0), std::vector<double>(d),
                           std::vector<double>(d)};
  std::vector<double> x(d), d_out(d);
  for (const auto& [token, weight] : served) {
    read(problem.x, token * d, 1, d, x.data());
    read(problem.d_out, token * d, 1, d, d_out.data());
    const double h_gate = gated ? dot(w_gate.data(), x.data(), d) + mlp.bias_of_up(rows.gate) : 0;
    const double h_up = dot(w_up.data(), x.data(), d) + mlp.bias_of_up(rows.up);
    const Activated at = activate(mlp.activation, h_gate, h_up);
    const double d_a = weight * dot(w_down.data(), d_out.data(), d);
    const double d_gate = gated ? d_a * at.by_gate : 0, d_up = d_a * at.by_up;
    if (gated) add_scaled(d_gate, x.data(), d, gradient.gate.data());
    add_scaled(d_up, x.data(), d, gradient.up.data());
    gradient.gate_bias += d_gate;
    gradient.up_bias += d_up;
    gradient.square_bias_terms += d_gate * d_gate + d_up * d_up;
    add_scaled(weight * at.a, d_out.data(), d, gradient.down.data());
  }
  return gradient;
}

}  // namespace

std::vector<ChannelGradient> channel_gradients(const Problem& problem, const RoutedRows& routed,
                                               const std::vector<Channel>& channels) {
  std::vector<Served> shared;
  for (const Channel& channel : channels) {
    if (channel.expert == kSharedExpert && shared.empty()) shared = served_by_shared(problem);
  }
  std::vector<ExpertScope> experts;  // one expert's channels stand together: made once
  for (const Channel& channel : channels) {
    if (channel.expert != kSharedExpert) experts.emplace_back(problem.experts, channel.expert);
  }
  std::vector<ChannelGradient> gradients(channels.size());
  const auto count = static_cast<std::int64_t>(channels.size());
#pragma omp parallel for schedule(dynamic) if (is_worth_threads(count * problem.x.size()))
  for (std::int64_t i = 0; i < count; ++i) {
    const auto [expert, index] = channels[i];
    gradients[i] = expert == kSharedExpert
                       ? channel_gradient(problem, shared_mlp(problem), shared, index)
                       : channel_gradient(problem, expert_mlp(problem, expert),
                                          served_by_expert(routed, expert), index);
  }
  return gradients;
}

std::vector<double> down_bias_gradient(const Problem& problem, const RoutedRows& routed,
                                       std::int64_t expert) {
  const std::int64_t d = problem.config.hidden_dim;
  std::vector<double> gradient(d), d_out(d);
  for (const auto& [token, weight] : served_by_expert(routed, expert)) {
    read(problem.d_out, token * d, 1, d, d_out.data());
    add_scaled(weight, d_out.data(), d, gradient.data());
  }
  return gradient;
}

std::vector<RouterGradient> router_gradients(const Problem& problem, const RoutedRows& routed,
                                             const std::vector<double>& d_scores,
                                             const std::vector<std::int64_t>& experts) {
  const std::int64_t d = problem.config.hidden_dim, tokens = problem.tokens();
  std::vector<std::vector<double>> d_logits(
      static_cast<std::size_t>(tokens));  // [T][listed experts]
#pragma omp parallel for if (is_worth_threads(tokens * problem.config.num_experts))
  for (std::int64_t t = 0; t < tokens; ++t) {
    std::vector<double> of_token;
    for (std::int32_t i = routed.token_offsets[t]; i < routed.token_offsets[t + 1]; ++i) {
      of_token.push_back(d_scores[routed.token_rows[i]]);
    }
    const std::vector<double> all = token_d_logits(problem.config, routed, t, of_token.data());
    for (std::int64_t e : experts) d_logits[t].push_back(all[e]);
  }
  std::vector<RouterGradient> gradients(experts.size(),
                                        {std::vector<double>(d), std::vector<double>(d)});
  const auto count = static_cast<std::int64_t>(experts.size());
#pragma omp parallel for schedule(dynamic) if (is_worth_threads(count * problem.x.size()))
  for (std::int64_t i = 0; i < count; ++i) {
    std::vector<double> x(d);
    for (std::int64_t t = 0; t < tokens; ++t) {
      read(problem.x, t * d, 1, d, x.data());
      add_scaled(d_logits[t][i], x.data(), d, gradients[i].row.data());
      gradients[i].bias += d_logits[t][i];
    }
    const std::int32_t end = routed.expert_offsets[experts[i] + 1];
    for (std::int32_t row = routed.expert_offsets[experts[i]]; row < end; ++row) {
      read(problem.x, routed.row_tokens[row] * d, 1, d, x.data());
      const double term = routed.row_scores[row] * d_scores[row];
      add_scaled(term, x.data(), d, gradients[i].terms.data());
      gradients[i].square_bias_terms += term * term;
    }
  }
  return gradients;
}

std::vector<double> shared_gate_gradient(const Problem& problem) {
  constexpr std::int64_t kTogether = 8;
  const std::int64_t d = problem.config.hidden_dim, tokens = problem.tokens();
  const Mlp mlp = shared_mlp(problem);
  std::vector<double> d_gate_logits(static_cast<std::size_t>(tokens));
#pragma omp parallel for schedule(dynamic) if (is_worth_threads(problem.x.size() * mlp.ffn_dim))
  for (std::int64_t first = 0; first < tokens; first += kTogether) {
    std::vector<Pass> passes;
    for (std::int64_t t = first; t < std::min(first + kTogether, tokens); ++t) {
      passes.push_back({.token = t, .weight = shared_weight(problem, t)});
    }
    run_forward(problem, mlp, passes);
    for (const Pass& pass : passes) {
      d_gate_logits[pass.token] = pass.d_weight * pass.weight * (1 - pass.weight);
    }
  }
  std::vector<double> gradient(d), x(d);
  for (std::int64_t t = 0; t < tokens; ++t) {
    read(problem.x, t * d, 1, d, x.data());
    add_scaled(d_gate_logits[t], x.data(), d, gradient.data());
  }
  return gradient;
}

}  // namespace moe::truth
