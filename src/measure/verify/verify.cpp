// Verification of one result: written everywhere, logits, routing, then the values behind the
// routing.
#include "measure/verify/verify.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "measure/verify/checks.h"
#include "moe/error.h"
#include "truth/difference.h"
#include "truth/element.h"
#include "truth/gradient_views.h"
#include "truth/invariants.h"
#include "truth/named_tensor.h"
#include "truth/samples.h"

namespace moe::measure {
namespace {

using record::Check;
using truth::Difference;
using truth::NamedTensor;
using truth::Offences;

constexpr std::size_t kRememberedRoutings = 4;
/// Scores of two variants that route alike differ by the rounding of their logits, far below a
/// tolerance.
constexpr double kSameScores = 2e-6;

NamedTensor logits_of(const HostResult& result, const LayerConfig& config) {
  const auto tokens = static_cast<std::int64_t>(result.logits.size()) / config.num_experts;
  TensorView view(const_cast<float*>(result.logits.data()), DType::f32,
                  {tokens, config.num_experts});
  return {"logits", view, {"token", "expert"}};
}

/// By the device's own scan where there is one.
void add_unwritten(const HostResult& result, const NamedTensor& tensor, Offences& offences) {
  const auto scan = result.scanned.find(tensor.name);
  if (scan == result.scanned.end())
    return truth::add_not_finite(tensor, 0, tensor.view.size(), offences);
  if (scan->second.count == 0) return;
  if (offences.count == 0)
    offences.first = place_of(tensor, scan->second.first) + ": NaN or infinite";
  offences.count += scan->second.count;
}

/// Buffers are poisoned before a run, so what no variant wrote is NaN.
Check written_check(const HostResult& result, const LayerConfig& config,
                    const VerifyOptions& options) {
  std::vector<NamedTensor> tensors{{"out", result.out, {"token", "column"}}};
  if (options.given == nullptr) tensors.insert(tensors.begin(), logits_of(result, config));
  Offences offences;
  if (options.backward) {
    tensors.push_back({"d_x", result.d_x, {"token", "column"}});
    for (const NamedTensor& gradient : truth::named_gradients(result.gradients)) {
      const bool of_router = gradient.name == "d_w_router" || gradient.name == "d_b_router";
      if (!of_router || options.given == nullptr) tensors.push_back(gradient);
    }
  }
  for (const NamedTensor& tensor : tensors) add_unwritten(result, tensor, offences);
  if (options.backward && !result.expert_offsets.empty()) {
    const std::int64_t rows = result.expert_offsets.back();  // not yet known to be right
    const NamedTensor d_scores{"d_scores", result.d_scores, {"row"}};
    truth::add_not_finite(d_scores, 0, std::min(rows, d_scores.view.size()), offences);
  }
  return check_of("written", "all", offences);
}

bool has_finite_logits(const HostResult& result) {
  return std::all_of(result.logits.begin(), result.logits.end(),
                     [](float logit) { return std::isfinite(logit); });
}

/// The harness must hand over all that is to be compared.
void require_complete(const HostResult& result, const truth::Problem& problem,
                      const VerifyOptions& options) {
  const auto require = [](bool present, const char* what) {
    if (!present) throw Error(ErrorKind::internal, "cannot verify a result", what);
  };
  const auto num_logits = static_cast<std::size_t>(problem.tokens() * problem.config.num_experts);
  require(options.given != nullptr || result.logits.size() == num_logits, "it lacks logits [T, E]");
  require(!result.out.empty(), "it lacks out");
  if (!options.backward) return;
  require(!problem.d_out.empty(), "the problem lacks d_out");
  require(!result.d_x.empty() && !result.d_scores.empty(), "it lacks d_x or d_scores");
}

/// Logits of sampled tokens against the double product.
Check logits_check(const truth::Problem& problem, const HostResult& result,
                   const VerifyOptions& options) {
  const NamedTensor logits = logits_of(result, problem.config);
  const std::int64_t tokens = problem.tokens();
  const std::vector<std::int64_t> sampled =
      truth::sample(tokens, options.sampled_tokens, {0, tokens - 1}, options.seed);
  Difference difference;
  for (std::int64_t t : sampled) {
    truth::compare(logits, t * problem.config.num_experts, 1, truth::token_logits(problem, t),
                   difference);
  }
  return check_of(logits, counted(sampled.size(), "token"), difference, kScoreTolerance);
}

/// Choice, rows and their inverse, scores.
std::vector<Check> routing_checks(const truth::Problem& problem, const HostResult& result,
                                  const truth::RoutedRows& want) {
  const LayerConfig& config = problem.config;
  const std::int64_t tokens = problem.tokens(), top_k = config.top_k;
  const auto rows = static_cast<std::int64_t>(want.row_tokens.size());
  std::vector<Check> checks;
  if (!want.given()) {
    checks.push_back(exact_check("chosen_experts", result.chosen_experts, want.chosen_experts,
                                 {tokens, top_k}, {"token", "choice"}));
    checks.push_back(scores_check("chosen_scores", result.chosen_scores,
                                  truth::chosen_scores(config, want), {tokens, top_k},
                                  {"token", "choice"}));
  }
  checks.push_back(exact_check("expert_offsets", result.expert_offsets, want.expert_offsets,
                               {config.num_experts + 1}, {"expert"}));
  checks.push_back(exact_check("row_tokens", result.row_tokens, want.row_tokens, {rows}, {"row"}));
  checks.push_back(scores_check("row_scores", result.row_scores, want.row_scores, {rows}, {"row"}));
  checks.push_back(exact_check("token_offsets", result.token_offsets, want.token_offsets,
                               {tokens + 1}, {"token"}));
  checks.push_back(
      exact_check("token_rows", result.token_rows, want.token_rows, {rows}, {"place"}));
  return checks;
}

/// out, d_x and d_scores of the sampled tokens.
void add_token_checks(const HostResult& result, const truth::RoutedRows& routed,
                      const std::vector<std::int64_t>& tokens,
                      const std::vector<truth::TokenValues>& values, const VerifyOptions& options,
                      double tolerance, std::vector<Check>& checks) {
  const NamedTensor out{"out", result.out, {"token", "column"}},
      d_x{"d_x", result.d_x, {"token", "column"}};
  const NamedTensor d_scores{"d_scores", result.d_scores, {"row"}};
  Difference of_out, of_d_x, of_d_scores;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::int64_t first = tokens[i] * result.out.shape[1];
    truth::compare(out, first, 1, values[i].out, of_out);
    if (!options.backward) continue;
    truth::compare(d_x, first, 1, values[i].d_x, of_d_x);
    for (std::size_t k = 0; k < values[i].d_scores.size(); ++k) {
      const std::int64_t row = routed.token_rows[routed.token_offsets[tokens[i]] + k];
      truth::compare(d_scores, row, 1, {values[i].d_scores[k]}, of_d_scores);
    }
  }
  const std::string scope = counted(tokens.size(), "token");
  checks.push_back(check_of(out, scope, of_out, tolerance));
  if (!options.backward) return;
  checks.push_back(check_of(d_x, scope, of_d_x, tolerance));
  checks.push_back(check_of(d_scores, scope, of_d_scores, tolerance));
}

/// d_w_router and, where there is one, d_b_router.
void add_router_checks(const truth::Problem& problem, const HostResult& result,
                       const truth::RoutedRows& routed, const std::vector<std::int64_t>& experts,
                       double tolerance, std::vector<Check>& checks) {
  const NamedTensor d_w_router{"d_w_router", result.gradients.w_router, {"expert", "column"}};
  const NamedTensor d_b_router{"d_b_router", result.gradients.b_router, {"expert"}};
  const auto rows = static_cast<std::int64_t>(routed.row_tokens.size());
  const std::vector<double> d_scores = truth::read(result.d_scores, 0, 1, rows);
  const auto want = truth::router_gradients(problem, routed, d_scores, experts);
  Difference of_weights, of_bias;
  for (std::size_t i = 0; i < experts.size(); ++i) {
    truth::compare(d_w_router, experts[i] * problem.config.hidden_dim, 1, want[i].row, of_weights);
    for (double term : want[i].terms) of_weights.add_term(term);
    if (d_b_router.view.empty()) continue;
    truth::compare(d_b_router, experts[i], 1, {want[i].bias}, of_bias);
    of_bias.add_term(std::sqrt(want[i].square_bias_terms));
  }
  const std::string scope = counted(experts.size(), "expert");
  checks.push_back(check_of(d_w_router, scope, of_weights, tolerance));
  if (!d_b_router.view.empty()) {
    checks.push_back(check_of(d_b_router, scope, of_bias, tolerance));
  }
}

std::size_t channels_of(const std::vector<truth::Channel>& channels, std::int64_t expert) {
  return static_cast<std::size_t>(
      std::count_if(channels.begin(), channels.end(),
                    [&](const truth::Channel& channel) { return channel.expert == expert; }));
}

using ByExpert = std::map<std::int64_t, Difference>;

/// The worst expert counts, because the largest would hide what is wrong with one that has few
/// rows.
ByExpert::const_iterator worst_of(const ByExpert& by_expert) {
  return std::max_element(by_expert.begin(), by_expert.end(), [](const auto& a, const auto& b) {
    return a.second.error() < b.second.error();
  });
}

/// Gradients of the sampled channels of all routed experts, or of the shared one.
void add_channel_checks(const HostResult& result, const LayerConfig& config,
                        const std::vector<truth::Channel>& channels,
                        const std::vector<truth::ChannelGradient>& want, bool shared,
                        std::vector<Check>& checks) {
  ByExpert up, down, up_bias;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const auto [expert, index] = channels[i];
    if ((expert == truth::kSharedExpert) != shared) continue;
    const auto got = truth::gradients_of(config, result.gradients, expert);
    truth::compare_up(got, index, want[i], up[expert]);
    truth::compare_down(got, index, want[i], down[expert]);
    truth::compare_up_bias(got, index, want[i], up_bias[expert]);
  }
  const auto named =
      truth::gradients_of(config, result.gradients, shared ? truth::kSharedExpert : 0);
  for (const auto& [tensor, by_expert] : {std::pair(&named.up, &up), std::pair(&named.down, &down),
                                          std::pair(&named.up_bias, &up_bias)}) {
    if (tensor->view.empty() || by_expert->empty()) continue;
    const auto worst = worst_of(*by_expert);
    const std::string scope = counted(channels_of(channels, worst->first), "channel") +
                              (shared ? "" : " of " + counted(by_expert->size(), "expert"));
    checks.push_back(check_of(*tensor, scope, worst->second, tolerance_of(config.dtype)));
  }
}

/// d_b_down of the sampled experts.
void add_down_bias_check(const HostResult& result, const truth::Problem& problem,
                         const truth::RoutedRows& routed, const std::vector<std::int64_t>& experts,
                         std::vector<Check>& checks) {
  if (result.gradients.b_down.empty()) return;
  const LayerConfig& config = problem.config;
  ByExpert by_expert;
  for (std::int64_t e : experts) {
    truth::compare_down_bias(truth::gradients_of(config, result.gradients, e),
                             truth::down_bias_gradient(problem, routed, e), by_expert[e]);
  }
  checks.push_back(check_of(truth::gradients_of(config, result.gradients, 0).down_bias,
                            counted(experts.size(), "expert"), worst_of(by_expert)->second,
                            tolerance_of(config.dtype)));
}

/// Every gradient of an expert without rows is exactly 0.
void add_empty_check(const HostResult& result, const LayerConfig& config,
                     const truth::RoutedRows& routed, std::vector<Check>& checks) {
  Offences offences;
  std::size_t empty_experts = 0;
  for (std::int64_t e = 0; e < config.num_experts; ++e) {
    if (routed.expert_offsets[e] < routed.expert_offsets[e + 1]) continue;
    ++empty_experts;
    const truth::ExpertScope gradients(result.experts, e);
    truth::add_not_zero(truth::gradients_of(config, result.gradients, e), offences);
  }
  if (empty_experts == 0) return;
  checks.push_back(check_of("empty_experts", counted(empty_experts, "expert"), offences));
}

std::string broken_invariant(const Routing& given, const LayerConfig& config, std::int64_t tokens) {
  const auto values = [](TensorView view) {
    return std::vector<std::int32_t>(view.as<std::int32_t>(),
                                     view.as<std::int32_t>() + view.size());
  };
  return truth::broken_invariant(values(given.expert_offsets), values(given.row_tokens),
                                 config.num_experts, tokens);
}

bool all_passed(const std::vector<Check>& checks) {
  return std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.passed; });
}

}  // namespace

double tolerance_of(DType dtype) {
  switch (dtype) {
    case DType::bf16: return 1e-2;
    case DType::f16: return 1e-2 / 8;
    default: return 1e-5;
  }
}

Verifier::Verifier(const truth::Problem& problem, const VerifyOptions& options)
    : problem_(problem), options_(options) {
  if (!options.backward) problem_.d_out = {};
}

const Verifier::Expected& Verifier::expected_for(const truth::RoutedRows& routed) {
  const auto known =
      std::find_if(remembered_.begin(), remembered_.end(), [&](const Expected& expected) {
        return truth::routes_alike(expected.routed, routed, kSameScores);
      });
  if (known != remembered_.end()) return *known;

  const LayerConfig& config = problem_.config;
  Expected expected{.routed = routed};
  expected.tokens = truth::sample(problem_.tokens(), options_.sampled_tokens,
                                  truth::telling_tokens(routed), options_.seed);
  expected.token_values = truth::token_values(problem_, routed, expected.tokens);
  if (options_.backward) {
    expected.experts = truth::sample(config.num_experts, options_.sampled_experts,
                                     truth::telling_experts(routed), options_.seed);
    expected.channels =
        truth::sample_channels(config, expected.experts, options_.sampled_channels, options_.seed);
    expected.channel_gradients = truth::channel_gradients(problem_, routed, expected.channels);
  }
  if (remembered_.size() == kRememberedRoutings) remembered_.pop_back();
  return remembered_.emplace_front(std::move(expected));
}

std::optional<truth::RoutedRows> Verifier::check_routing(const HostResult& result,
                                                         std::vector<Check>& checks) const {
  const LayerConfig& config = problem_.config;
  truth::RoutedRows routed;
  if (options_.given != nullptr) {
    const std::string broken = broken_invariant(*options_.given, config, problem_.tokens());
    if (!broken.empty()) {
      checks.push_back({"given_routing", "all", 1, 0, false, broken});
      return std::nullopt;
    }
    routed = truth::given_rows(options_.given->expert_offsets.as<std::int32_t>(),
                               options_.given->row_tokens.as<std::int32_t>(),
                               options_.given->row_scores.as<float>(), config.num_experts,
                               problem_.tokens());
  } else {
    checks.push_back(logits_check(problem_, result, options_));
    const bool has_choice =
        result.chosen_experts.size() == static_cast<std::size_t>(problem_.tokens() * config.top_k);
    routed =
        truth::route(config, result.logits.data(), problem_.weights.b_select.as<float>(),
                     problem_.tokens(), problem_.rounding_seed,
                     has_choice && !result.exact_choice ? result.chosen_experts.data() : nullptr);
  }
  const std::vector<Check> of_routing = routing_checks(problem_, result, routed);
  checks.insert(checks.end(), of_routing.begin(), of_routing.end());
  if (!all_passed(of_routing)) return std::nullopt;
  return routed;
}

void Verifier::check_weights(const HostResult& result, const truth::RoutedRows& routed,
                             const Expected& want, std::vector<Check>& checks) {
  const LayerConfig& config = problem_.config;
  const double tolerance = tolerance_of(config.dtype);
  if (options_.given == nullptr && !result.gradients.w_router.empty()) {
    add_router_checks(problem_, result, routed, want.experts, tolerance, checks);
  }
  std::vector<truth::ExpertScope> gradients;
  for (std::int64_t e : want.experts) gradients.emplace_back(result.experts, e);
  for (bool shared : {false, true}) {
    add_channel_checks(result, config, want.channels, want.channel_gradients, shared, checks);
  }
  add_down_bias_check(result, problem_, routed, want.experts, checks);
  add_empty_check(result, config, routed, checks);
  if (result.gradients.w_shared_gate.empty()) return;
  // Neither depends on the routing nor is it cheap: once per problem.
  if (d_w_shared_gate_.empty()) d_w_shared_gate_ = truth::shared_gate_gradient(problem_);
  const NamedTensor d_w_shared_gate{"d_w_shared_gate", result.gradients.w_shared_gate, {"column"}};
  Difference difference;
  truth::compare(d_w_shared_gate, 0, 1, d_w_shared_gate_, difference);
  checks.push_back(check_of(d_w_shared_gate, "all", difference, tolerance));
}

std::vector<Check> Verifier::verify(const HostResult& result) {
  require_complete(result, problem_, options_);
  std::vector<Check> checks{written_check(result, problem_.config, options_)};
  if (!has_finite_logits(result)) return checks;  // a choice from NaN means nothing
  const std::optional<truth::RoutedRows> routed = check_routing(result, checks);
  if (!routed) return checks;
  const Expected& want = expected_for(*routed);
  add_token_checks(result, *routed, want.tokens, want.token_values, options_,
                   tolerance_of(problem_.config.dtype), checks);
  if (options_.backward) check_weights(result, *routed, want, checks);
  return checks;
}

std::vector<Check> verify(const truth::Problem& problem, const HostResult& result,
                          const VerifyOptions& options) {
  return Verifier(problem, options).verify(result);
}

}  // namespace moe::measure
